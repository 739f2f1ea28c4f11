"""What the routes of notifications share."""

from uuid import UUID

from fastapi import Request

from services.notifications.domain.templates import Links
from services.notifications.resources import Resources
from shared.auth import Principal, Role
from shared.errors import not_found

AT_THE_PRACTICE = (Role.PROVIDER, Role.STAFF, Role.ADMIN, Role.APP)
ADMINISTRATION = (Role.STAFF, Role.ADMIN)


def own(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


def links_of(ours: Resources, tenant: UUID) -> Links:
    settings = ours.settings
    return Links(
        tenant,
        settings.link_signing_key,
        settings.booking_public_url,
        settings.feedback_public_url,
        settings.public_url,
    )


def require_client(principal: Principal, client_id: UUID) -> None:
    """Raises Problem `client_not_found` where the caller may not see them."""
    if not principal.may_see_client(client_id):
        raise not_found("client")
