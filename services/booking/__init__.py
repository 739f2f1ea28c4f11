"""Booking: the one place that knows whether a time is taken.

Owns: clients (by id and display name), appointments and their history, a replica of the published
schedules, providers' absences. Consumes: `schedule.published`, `schedule.withdrawn`,
`provider.unavailable`. Emits: `client.registered` and `appointment.*`. Notices a miss by a timer at
start + grace.
"""
