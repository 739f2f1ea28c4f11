"""Where the local stack's messages arrive: a mail server and a carrier that keep what they got.

One process: SMTP, the Twilio-compatible API with signed callbacks, and a page to look at it all and to
answer a text.
"""
