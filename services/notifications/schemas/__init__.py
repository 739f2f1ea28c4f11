"""HTTP bodies of notifications, a module per part of the domain."""

from services.notifications.schemas.messages import Decision, Explanation, MessageBody, MessagePage
from services.notifications.schemas.outreach import OutreachBody, OutreachPage
from services.notifications.schemas.people import ConsentBody, ConsentList, ConsentRecord, ContactBody, PreferencesBody
from services.notifications.schemas.plans import FlowBody, PlanBody
from services.notifications.schemas.previews import (
    FlowPreview,
    PlanPreview,
    Preview,
    PreviewedStep,
    PreviewedText,
    SampleVisit,
)
from services.notifications.schemas.sender import SenderBody
from services.notifications.schemas.tasks import TaskBody, TaskPage
from services.notifications.schemas.templates import NewTemplate, TemplateBody, TemplateList

__all__ = [
    "ConsentBody",
    "ConsentList",
    "ConsentRecord",
    "ContactBody",
    "Decision",
    "Explanation",
    "FlowBody",
    "FlowPreview",
    "MessageBody",
    "MessagePage",
    "NewTemplate",
    "OutreachBody",
    "OutreachPage",
    "PlanBody",
    "PlanPreview",
    "PreferencesBody",
    "Preview",
    "PreviewedStep",
    "PreviewedText",
    "SampleVisit",
    "SenderBody",
    "TaskBody",
    "TaskPage",
    "TemplateBody",
    "TemplateList",
]
