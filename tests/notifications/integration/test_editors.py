"""Plans and flows edited in the console: looked at, published, and refused with all that was typed."""

import asyncio
from typing import Any

import pytest

from shared.console import COOKIE
from tests.notifications.conftest import Practice
from tests.notifications.integration.test_console import token
from tests.notifications.integration.test_reminders import booked_event as _booked
from tests.support.browser import Browser, Form, Page

pytestmark = pytest.mark.servers
