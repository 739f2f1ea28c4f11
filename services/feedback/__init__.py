"""Feedback: asks clients why and how, in one tap, and shows the practice what it wins back.

Owns: requests and responses, each client's attendance history, reports. Consumes: `appointment.*` and
`outreach.*`. Emits: `feedback.requested`, `feedback.submitted`, `barrier.reported`, `alliance.low`.
"""
