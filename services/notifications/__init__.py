"""Notifications: what a client is sent, when, by which channel, and why (not).

Owns: senders, contact details, consent records, reminder plans, outreach flows and their runs, check-ins, messages
with the decision behind each, inbound texts, staff tasks. Consumes: `appointment.*`, `waitlist.offered`, `client.*`,
`barrier.reported`, `feedback.requested`. Emits: `message.*`, `consent.changed`, `outreach.*`, `task.*`,
`question.answered`, `checkin.answered`. Sends e-mail by SMTP and texts by the Twilio-compatible REST API.
"""
