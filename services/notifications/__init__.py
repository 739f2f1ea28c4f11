"""Notifications: what a client is sent, when, by which channel, and why (not).

Owns: senders, contact details, consent records, reminder plans, outreach flows and their runs, messages
with the decision behind each, inbound texts, staff tasks. Consumes: `appointment.*`, `barrier.reported`,
`feedback.requested`. Emits: `message.*`, `consent.changed`, `outreach.*`, `task.opened`. Sends e-mail by SMTP
and texts by the Twilio-compatible REST API.
"""
