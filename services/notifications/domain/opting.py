"""Who wants no more texts, and who wants them again: the words that carriers know, and how people say it otherwise."""

import re

from services.notifications.domain.spelling import letters

_STOP_EN = ("STOP", "QUIT", "END", "REVOKE", "OPTOUT", "OPT OUT", "CANCEL", "UNSUBSCRIBE", "STOPALL", "STOP ALL")
_STOP_ES = (
    *("ALTO", "PARAR", "PARE", "PARA", "BASTA", "BAJA", "CANCELAR", "CANCELA", "DETENER", "FIN", "NO MAS"),
    *("SALIR", "ELIMINAR"),
)
OPT_OUT = frozenset((*_STOP_EN, *_STOP_ES))
OPT_IN = frozenset(("START", "UNSTOP", "OPTIN", "OPT IN", "SUBSCRIBE", "ALTA", "EMPEZAR", "COMENZAR"))

_POLITE = re.compile(r"\b(please|pls|plz|thanks|thank you|thx|now|ok|hi|hello|hey|por favor|porfa|gracias|hola)\b")
_TEXTS = "(texts?|texting|messages?|messaging|msgs?|sms|contacting|sending|writing|bothering|spamming|reminders)"
_LIST = r"( (off|from) ((the|your|this|all) )?(list|lists|texts|messages))?"
_MENSAJES = "(mensajes|textos|sms|avisos|recordatorios)( de texto)?"
_ME = "(me|us|this number|this phone|my number|my phone)"
_KINDS = "((text|sms|of|the|these|your|any|more|all) )*"
_SAYS_STOP = re.compile(
    "|".join(
        (
            "((no|i said|i say|just|wrong number|txt|text) )*(st[o0]p+|stpo|sotp|stp|stopall)"
            "( (it|this|that|now|all))?",
            "((text|txt|reply|send) )?stop ((to|2) )?(stop|end|quit|cancel|opt ?out|unsubscribe)",
            f"(wrong number )?(stop|quit|end) ((it|this|all|the|these|those|your|any|with) )*{_TEXTS}"
            f"( (to|me|us|all|{_TEXTS}|any ?more|this|that|it|these|those|stuff))*",
            f"no more {_KINDS}{_TEXTS}( to)?( me)?",
            "no (texts?|texting|text messages|messages|msgs|sms)",
            "(do not|dont) (text|message|contact)",
            f"(do not|dont|never) (text|message|contact|write|send)( to)? {_ME}( (any|more|any ?more|again|{_TEXTS}))*",
            f"(i )?(do not|dont) want (to (get|receive|have) )?{_KINDS}{_TEXTS}( any ?more)?",
            f"cancel {_KINDS}{_TEXTS}",
            "(i )?(revoke|withdraw|take back) (my )?(consent|permission)( to (text|message|contact) me)?",
            "leave me alone",
            f"(i )?(want|would like|id like|wish|need) to stop (getting |receiving )?{_KINDS}{_TEXTS}",
            "(i )?(want|would like|id like|wish|need) to (unsubscribe|opt out|be removed)",
            "(i )?(want|would like|id like|wish|need) (to be )?(out|off)( of)? (this|the|your) (list|texts)",
            f"opt (me )?out( of (this|these|your|all|the))?( {_TEXTS})?",
            rf"un ?sub?s?cri\w+( me)?{_LIST}",
            f"(remove|delete|take) (me|my number|this number|my phone){_LIST}",
            "(take|get) (me|my number|this number|my phone) off",
            "(lose|forget|erase) (my|this) (phone )?number",
            "(alto|par[ae]n?|basta|deten|detenga|detengan|detenganse|detener)( ya)?|ya basta",
            "((quiero )?(dar|darme|darse)|dame|deme|denme|dese|dar) de baja|de baja",
            "(eliminen?me|borren?me|quiten?me|saquen?me)( de (la|su|esta) lista)?",
            f"(cancel|par|deten|quit|elimin|termin)(a|e|en|ar|er) (los |mis |sus |estos )?{_MENSAJES}",
            "(cancel|anul|termin)(a|e|en|ar) (la |mi |esta )?suscripcion",
            "((quit|borr|elimin)(a|e|en|ar)|sa(ca|que|quen|car)) (mi|este) numero( de (la|su|esta) lista)?",
            "(ya )?no mol(estar|este|esten|estes)( mas)?",
            "arret(er|ez)?",
            f"(ya )?no (quiero )?(recibir )?(mas )?{_MENSAJES}( mas)?",
            "(ya )?no me (molesten?|molestes)( mas)?",
            f"(ya )?no me (escriban?|escribas|manden?|mandes|envien?|envies|texteen?)( mas)?( {_MENSAJES})?( mas)?",
            "(dejen?me|dejame) (en paz|tranquil[oa])",
            rf"(ya )?(dejen?|deja|par[ae]n?) de (escribir|mandar|enviar|textear|molestar)(me)?( {_MENSAJES})?( mas)?",
            r"(desuscri|desubscri|dessuscri|desinscri)\w+",
        )
    )
)
"""Whole messages: "I'll stop by at 5" and "basta con las 3" are something else."""


_SIGNED = re.compile(
    r"\W*stop\s*[-\u2013\u2014~\n]\s*(?!(by|in|at|on|it|the|my)\b|\w*day\b|tomorrow)[^\W\d]+([ .]+[^\W\d]+)?\W*", re.I
)
"""`STOP - John Smith`; "stop - Friday" may be about a visit."""


def whole(body: str) -> str:
    """A message as a keyword: `Opt-Out.` is `OPT OUT`, `S T O P` and `stop stop` are `STOP`."""
    words = re.findall("[a-z0-9]+", letters(body.replace("🛑", " stop ")))
    if all(len(word) == 1 for word in words):
        words = ["".join(words)]
    # "Stop stop stop" says it more than once.
    return " ".join(words[:1] if len(set(words)) == 1 else words).upper()


def says_stop(body: str) -> bool:
    """Whether a message says in other words that no more texts are wanted; politeness may stand around them."""
    return _SAYS_STOP.fullmatch(_bare(whole(body))) is not None or _SIGNED.fullmatch(body) is not None


def says_start(keyword: str) -> bool:
    """Whether it asks for them again."""
    return keyword in OPT_IN or _bare(keyword).upper() in OPT_IN


def _bare(keyword: str) -> str:
    return " ".join(_POLITE.sub(" ", keyword.lower()).split())
