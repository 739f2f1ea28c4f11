"""The smallest FastAPI application: what the framework alone can do on this machine."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
