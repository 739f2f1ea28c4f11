"""Availability: what can be booked with whom, where and when.

Owns: the practice, its providers, locations and appointment types, schedules with their weekly windows,
and a projection of the providers' occupied times. Consumes: `appointment.*`. Emits: `schedule.published`
and `schedule.withdrawn`. Answers the search for free slots.
"""
