"""A browser without a screen: follows redirects, keeps cookies, fills in the forms that a page really has."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

import httpx


@dataclass
class Form:
    """A form of a page: where it goes, its fields with their values, and each field's label."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)
    presses: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What pressing a button adds, by the button's words."""
    method: str = "post"
    boxes: set[str] = field(default_factory=set)
    """What may be ticked."""


class Page(HTMLParser):
    """What a page says, and its forms."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.invalid: list[str] = []
        self.controls: dict[str, dict[str, str]] = {}
        """What the page says of each control that has an id."""
        self.notes: dict[str, str] = {}
        """The words of paragraphs that have an id, which controls can be described by."""
        self.lang = ""
        self._words: list[str] = []
        self._label: list[str] | None = None
        self._labelled: list[str] = []
        self._button: str | None = None
        self._pressed: tuple[str, str] | None = None
        self._href = ""
        self._linked: list[str] = []
        self._select = ""
        self._silent = False
        self._note = ""
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split()).replace(" ,", ",")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self._remember(tag, own)
        self._silent = tag in ("style", "script")
        if tag == "html":
            self.lang = own.get("lang", "")
        if tag == "form":
            self.forms.append(Form(own["action"], method=own.get("method", "get")))
        if tag == "a":
            self._href, self._linked = own.get("href", ""), []
        if tag == "label":
            self._label, self._labelled = [], []
        if tag == "button" and self.forms:
            self._button = own.get("aria-label", "")
            self._pressed = (own["name"], own.get("value", "")) if "name" in own else None
        if tag == "input" and self.forms and own.get("type") in ("checkbox", "radio"):
            self.forms[-1].boxes.add(own["name"])
        if tag == "select" and self.forms:
            self._select = own["name"]
        if tag == "option" and ("selected" in own or self._select not in self.forms[-1].values):
            self.forms[-1].values[self._select] = own["value"]
        if tag == "textarea" and self.forms:
            self.forms[-1].values[own["name"]] = ""
        if tag == "input" and self.forms and (own.get("type") not in ("checkbox", "radio") or "checked" in own):
            self.forms[-1].values[own["name"]] = own.get("value", "")
            if own.get("type") != "hidden":
                self._labelled.append(own["name"])
            if own.get("aria-invalid") == "true":
                self.invalid.append(own["name"])

    def _remember(self, tag: str, own: dict[str, str]) -> None:
        if tag in ("input", "select", "textarea") and "id" in own:
            self.controls[own["id"]] = own
        if tag == "p":
            self._note = own.get("id", "")

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self._words.append(data)
        if self._note:
            self.notes[self._note] = self.notes.get(self._note, "") + data
        if self._label is not None:
            self._label.append(data)
        if self._button is not None:
            self._button += data
        if self._href:
            self._linked.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "label" and self._label is not None:
            words = " ".join(" ".join(self._label).split())
            self.forms[-1].labels |= dict.fromkeys(self._labelled, words)
            self._label = None
        if tag == "button" and self._button is not None:
            self.forms[-1].buttons.append(self._button.strip())
            if self._pressed is not None:
                self.forms[-1].presses[self._button.strip()] = self._pressed
            self._button = None
        if tag == "a" and self._href:
            self.links.append((" ".join(" ".join(self._linked).split()), self._href))
            self._href = ""
        if tag == "p":
            self._note = ""
        self._silent = False

    def form(self, action_ends: str) -> Form:
        return next(form for form in self.forms if form.action.endswith(action_ends))


class Browser:
    """One visitor; `page` is what they look at, `status` what it came with."""

    def __init__(self, http: httpx.AsyncClient, base: str) -> None:
        self.http, self.base = http, base.rstrip("/")
        self.cookies = httpx.Cookies()
        self.page = Page("")
        self.status, self.url, self.headers = 0, "", httpx.Headers()

    async def open(self, path: str) -> Page:
        return await self._go("GET", path)

    async def send(self, form: Form, *, origin: str | None = None, press: str | None = None, **values: str) -> Page:
        """Sends a form as it is, but for the given values, by one of its buttons."""
        known = set(form.values) | form.boxes
        assert set(values) <= known, f"the form has no {set(values) - known}"
        own = "{0.scheme}://{0.netloc}".format(urlsplit(self.base))
        if press is not None:
            name, value = form.presses[next(words for words in form.presses if words.startswith(press))]
            values[name] = value
        if form.method == "get":
            return await self._go("GET", f"{form.action}?{urlencode(form.values | values)}")
        return await self._go("POST", form.action, data=form.values | values, headers={"origin": origin or own})

    async def _go(self, method: str, path: str, **more: object) -> Page:
        for _ in range(5):
            url = path.removeprefix(self.base)
            headers = {"accept": "text/html", **more.pop("headers", {})}  # type: ignore[dict-item] # headers are a dict
            if cookies := "; ".join(f"{name}={value}" for name, value in self.cookies.items()):
                headers["cookie"] = cookies
            answer = await self.http.request(method, url, headers=headers, follow_redirects=False, **more)  # type: ignore[arg-type] # form data
            self.cookies.extract_cookies(answer)
            self.http.cookies.clear()  # the client is shared; a visitor's cookies are their own
            self.status, self.url, self.headers = answer.status_code, url, answer.headers
            if answer.status_code != 303:
                self.page = Page(answer.text)
                return self.page
            method, path, more = "GET", answer.headers["location"], {}
        raise AssertionError("redirected in a circle")
