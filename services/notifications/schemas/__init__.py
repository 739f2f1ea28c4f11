"""HTTP bodies of notifications, a module per part of the domain."""

from services.notifications.schemas.check_ins import (
    CheckInBody,
    CheckInPage,
    CheckInPlanBody,
    NewCheckInAnswer,
)
from services.notifications.schemas.messages import (
    Decision,
    Explanation,
    MailReportBody,
    MessageBody,
    MessagePage,
    ReconciliationBody,
    ReconciliationPage,
)
from services.notifications.schemas.outreach import OutreachBody, OutreachPage
from services.notifications.schemas.people import (
    ConsentBody,
    ConsentList,
    ConsentRecord,
    ContactBody,
    IntakeBody,
    PauseBody,
    PreferencesBody,
)
from services.notifications.schemas.plans import FlowBody, PlanBody
from services.notifications.schemas.previews import (
    CheckInPreview,
    FlowPreview,
    PlanPreview,
    Preview,
    PreviewedStep,
    PreviewedText,
    SampleVisit,
)
from services.notifications.schemas.secure import (
    ConversationBody,
    ConversationPage,
    NewSecureMessage,
    ReadBody,
    SecureMessageBody,
    SecureMessagePage,
)
from services.notifications.schemas.sender import SenderBody
from services.notifications.schemas.tasks import InboundText, Outcome, TaskBody, TaskPage, TaskStory, WrittenBody
from services.notifications.schemas.templates import NewTemplate, TemplateBody, TemplateList
from services.notifications.schemas.webhooks import (
    DeliveryBody,
    DeliveryPage,
    NewWebhook,
    NewWebhookBody,
    WebhookBody,
    WebhookList,
)

__all__ = [
    "CheckInBody",
    "CheckInPage",
    "CheckInPlanBody",
    "CheckInPreview",
    "ConsentBody",
    "ConsentList",
    "ConsentRecord",
    "ContactBody",
    "ConversationBody",
    "ConversationPage",
    "Decision",
    "DeliveryBody",
    "DeliveryPage",
    "Explanation",
    "FlowBody",
    "FlowPreview",
    "InboundText",
    "IntakeBody",
    "MailReportBody",
    "MessageBody",
    "MessagePage",
    "NewCheckInAnswer",
    "NewSecureMessage",
    "NewTemplate",
    "NewWebhook",
    "NewWebhookBody",
    "Outcome",
    "OutreachBody",
    "OutreachPage",
    "PauseBody",
    "PlanBody",
    "PlanPreview",
    "PreferencesBody",
    "Preview",
    "PreviewedStep",
    "PreviewedText",
    "ReadBody",
    "ReconciliationBody",
    "ReconciliationPage",
    "SampleVisit",
    "SecureMessageBody",
    "SecureMessagePage",
    "SenderBody",
    "TaskBody",
    "TaskPage",
    "TaskStory",
    "TemplateBody",
    "TemplateList",
    "WebhookBody",
    "WebhookList",
    "WrittenBody",
]
