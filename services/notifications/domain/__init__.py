"""The rules of notifications: what to plan, whether to send, what to say, how outreach goes on. No I/O."""
