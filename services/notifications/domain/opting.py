"""Who wants no more texts, and who wants them again: the words that carriers know, and how people say it otherwise."""

import re

from services.notifications.domain.spelling import letters

_STOP_EN = (
    *("STOP", "QUIT", "END", "REVOKE", "OPTOUT", "OPT OUT", "CANCEL", "UNSUBSCRIBE", "STOPALL", "STOP ALL"),
    "REMOVE",
)
_STOP_ES = (
    *("ALTO", "PARAR", "PARE", "PARA", "BASTA", "BAJA", "CANCELAR", "CANCELA", "DETENER", "FIN", "NO MAS"),
    *("SALIR", "ELIMINAR", "QUITAR"),
)
OPT_OUT = frozenset((*_STOP_EN, *_STOP_ES))
_POLITELY = OPT_OUT.difference(("CANCEL", "CANCELAR", "CANCELA"))
"""Those that mean it with politeness around them too: "please cancel" may be about a visit."""
OPT_IN = frozenset(("START", "UNSTOP", "OPTIN", "OPT IN", "SUBSCRIBE", "ALTA", "EMPEZAR", "COMENZAR"))

_POLITE = re.compile(
    r"\b(please|pls|plz|kindly|(many )?thanks|thank you( so| very)?( much)?|thx|now|ok|hi|hello|hey"
    r"|good (morning|evening)|por favor|porfa|(muchas )?gracias|hola|buen[oa]s( dias| tardes| noches)?)\b"
)
_HEATED = re.compile(
    r"\b(fuck(ing?|in)?(?! (off|you|u)\b)|fkn|effing|shit|bullshit|crap|stupid"
    r"|freaking|frigging|bloody|(god)?damn|goddam|the (fuck|hell)|ffs|omg"
    r"|wtf|jesus|already|right|immediately|asap|seriously|ya mismo|inmediatamente|carajo|chinga(dos?|das?)?|pinches?"
    r"|malditos?)\b"
)
"""What is no less an opt-out for being said in anger: "stop the fucking texts already"."""
_TEXTS = (
    "(te?xts?|te?xtin|te?xting|messages?|messaging|msgs?|msgs?in|msging|sms|contacting|sending|writing|bothering|spamming"
    "|spam|harr?assing|harr?asing|bugging|annoying|pestering|hounding|reminders|notifications|notifs|alerts)"
)
_CALLS = "(and|or|calls?|calling|emails?|emailing)"
"""Beside texts only: who wants no calls may want texts."""
_LIST = (
    r"( (off|from) ((the|your|this|these|all) )*((te?xt|te?xting|sms|message|messaging|mailing|contact) )?"
    "(list|lists|texts|messages|all|everything|this|these|it|you|alerts|reminders|notifications))?"
)
_MENSAJES = "(mensajes?|mensajitos|textos|sms|avisos|recordatorios|notificaciones|alertas)( de texto)?"
_DE_QUIEN = "( de (ustedes|usted|ti|este numero|esta (clinica|oficina|lista)|su (parte|oficina|clinica)))?"
_LOS = "((los|las|mis|sus|estos|estas|esos|esas) )?"
_ME = "(me|us|this number|this phone|my number|my phone)"
_KINDS = "((text|sms|of|the|these|your|any|more|all) )*"
_SAYS_STOP = re.compile(
    "|".join(
        (
            "((no|i said|i say|just|wrong number|txt|text|reply|send) )*(st[o0]p+|stpo|sotp|stp|stopall)"
            "( (it|this|that|now|all)| ?[1-3])?",
            "((text|txt|reply|send) )?stop ?((to|2) ?)?(stop|end|quit|cancel|opt ?out|unsubscribe)",
            f"(wrong number )?(stop|quit|end|cease) ((it|this|all|the|these|those|your|any|with) )*{_TEXTS}"
            f"( (to|us|all|{_ME}|{_TEXTS}|{_CALLS}|any ?more|this|that|it|these|those|stuff|again))*",
            f"stop (calls?|calling) (me )?and (te?xts|te?xtin|te?xting|messages|messaging|msgs|sms)( {_ME})?",
            "stop (blowing up my phone|hitting me up)",
            f"(turn|shut|switch) (off {_KINDS}{_TEXTS}|{_KINDS}{_TEXTS} off)( for me)?",
            f"(disable|deactivate|discontinue|cease|mute|block|kill) {_KINDS}{_TEXTS}( {_ME})?",
            f"no more {_KINDS}{_TEXTS}( to)?( me)?",
            "no (texts?|texting|text messages|messages|msgs|sms)",
            "(do not|dont) (te?xt|message|contact)",
            f"(do not|dont|never) (te?xt|message|contact|write|send)( to)? {_ME}"
            f"( (any|more|any ?more|again|{_TEXTS}))*",
            "(i )?(do not|dont|no longer) (want|wish) (to (get|receive|have) )?"
            f"{_KINDS}{_TEXTS}( (any ?more|from (you|this number)))*",
            f"cancel {_KINDS}{_TEXTS}",
            "(i )?(revoke|withdraw|take back) (my )?(consent|permission)( to (text|message|contact) me)?",
            "leave me alone",
            f"(i )?(want|would like|id like|wish|need) to stop (getting |receiving )?{_KINDS}{_TEXTS}",
            "(i )?(want|would like|id like|wish|need|choose) to (unsubscribe|opt out|be removed)"
            f"({_LIST}|( of| from)( (the|your|these|all))* {_TEXTS})",
            "(i )?(want|would like|id like|wish|need) (to be )?(out|off)( of)? (this|the|your) (list|texts)",
            f"(i |im |i am )?opt(ing)? (me )?out( (of|from)( (this|these|your|all|the|everything|it))*)?( {_TEXTS})?",
            rf"un ?(sub|sub?s?cri\w+)( me)?({_LIST}|( (from|to|of))?( (the|your|this|these|all))* {_TEXTS})",
            f"(remove|delete|take) (me|my number|this number|my phone){_LIST}",
            "(take|get) (me|my number|this number|my phone) off",
            "(lose|forget|erase) (my|this) (phone )?number",
            "(alto|par[ae]n?|basta|deten|detenga|detengan|detenganse|detener|parar)( ya)?|ya basta",
            f"(alto|basta|fin)( ya)? (a|de|con) ((los|sus|estos|tantos) )?{_MENSAJES}",
            "((quiero )?(dar|darme|darse)|dame|deme|denme|dese|dar) de baja|de baja",
            "(eliminen?me|borren?me|quiten?me|saquen?me)( de (la|su|esta) lista)?",
            f"(cancel|par|deten|quit|elimin|termin|fren|desactiv|suspend)(a|e|en|ar|er) {_LOS}{_MENSAJES}",
            f"(detengan?|suspendan?|apaguen?|apagar|dejen) (de mandar )?{_LOS}{_MENSAJES}",
            "(cancel|anul|termin)(a|e|en|ar) (la |mi |esta )?suscripcion",
            "((quit|borr|elimin)(a|e|en|ar)|sa(ca|que|quen|car)) (mi|este) numero( de (la|su|esta) lista)?",
            "(ya )?no mol(estar|este|esten|estes)( mas)?",
            "arret(er|ez)?",
            f"(ya )?no (quiero |deseo |quisiera |autorizo )?(seguir )?(recibir |recibiendo )?(mas )?"
            f"{_LOS}{_MENSAJES}( mas)?{_DE_QUIEN}",
            "(ya )?no (quiero|deseo) (que me (escriban|manden|envien|contacten)|recibir nada|saber nada)( mas)?"
            f"( {_MENSAJES}| nada)?{_DE_QUIEN}",
            "(ya )?no me (molesten?|molestes)( mas)?",
            f"(ya )?no me (escriban?|escribas|manden?|mandes|envien?|envies|texteen?|contacten?|textees?)( mas)?"
            f"( {_MENSAJES}| nada)?( mas| nunca| otra vez)*{_DE_QUIEN}",
            f"(ya )?no (enviar|mandar|escribir|contactar|textear)(me)?( mas)?( {_MENSAJES})?( mas)?",
            "(dejen?me|dejame) (en paz|tranquil[oa])",
            rf"(ya )?(dejen?|deja|dejar|par[ae]n?|parar) de (estar )?(escribi|manda|envia|textea|molesta|acosa)"
            rf"(r|rme|ndo|ndome)( mas)?( {_MENSAJES}| nada)?( mas)?",
            r"(desuscri|desubscri|dessuscri|desinscri)\w+",
        )
    )
)
"""Whole messages: "I'll stop by at 5" and "basta con las 3" are something else."""
_BEFORE = (
    "((can|could|would|will|cant|wont|why dont) (you guys|you all|you|u|ya|yall|someone)( just)?"
    "|i (have )?(already )?(asked|told|ask|tell|keep asking|keep telling|begged|want|need) (you|u|yall)( guys)?"
    "( (twice|two times|three times|many times|several times|so many times))? to( just)?|i (said|say|keep saying)"
    "|(im|i am) (asking|telling|begging) (you|u) to|(you|u|yall) (need|have|got) to|for the last time|just"
    "|(pueden?|podrian?|puedes|podrias)|(ya )?(les?|te) (dije|he dicho|pedi|pido|digo) que( ya)?"
    "|(quiero|necesito|pido) que( ya)?|favor de)"
)
"""What asks for it: "could you", "I told you to", "ya les dije que"."""
_NOT_YET = "(?!(going|coming|sure|ready|here|there|home|able|feeling|in|at|on|late|well|done|available|free)\\b)"
"""Who isn't that speaks of a visit; who isn't Maria has the wrong texts."""
_ASIDE = (
    "((sorry )?((this is|its|it is|u have|you have|you have got|youve got|you got|u got) )?((the|a) )?wrong"
    " (number|person|phone)|(fuck|screw|piss|bug) (off|you|u)|go away|get lost|leave me alone|(im )?not interested"
    "|i (dont|do not) know (you|who (this|you) (is|are))|idk (you|who this is|who you are)|i mean it|im serious|enough"
    f"|(im|i am|this is) not {_NOT_YET}(the )?\\w+( (number|phone))?"
    "|(es )?(el |un )?numero equivocado|(se )?equivoc(ado|ada|aron|o) de numero|(este )?no es (su|el|mi) numero"
    "|(es )?(la )?persona equivocada|tienen? (el |un )?numero equivocado|no (los|las|lo|la|te) conozco"
    "|no soy (esa|la) persona|no soy \\w+|no se quien(es)? (es|son|eres)|no me interesa|dejen?me en paz)"
)
"""What somebody says beside it, and what alone is none."""
_AROUND = re.compile(rf"^({_ASIDE}|{_BEFORE}) (?=.)|(?<=.) {_ASIDE}$")
_LONGEST = 160
"""In signs, of what may say it; whoever writes more says more."""


_NAME = "[^\\W\\d_]+(?:['\u2019-][^\\W\\d_]+)*"
_SIGNED = re.compile(rf"\W*(?i:stop)[^\S\n]*[-\u2013\u2014~\n][-\u2013\u2014~\s]*({_NAME}(?:[ .]+{_NAME}){{0,3}})\W*")
"""`STOP - John Smith`, with or without a first name's initial."""
_WITHIN_NAMES = frozenset(("de", "del", "la", "las", "los", "y", "van", "von", "der", "da", "dos"))
_ORDINARY_EN = """
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays
    sundays mon tue tues wed thu thur thurs fri sat january february march july september october november december
    feb mar apr jun jul aug sep sept oct nov dec today tomorrow tmrw yesterday tonight now later soon early earlier
    late morning afternoon evening noon midnight night days week weeks weekend month months year hour hours minute
    minutes min mins moment second sec one two three four five six seven eight nine ten first next last this that these
    those the an im ill it its he she we you they my your our his her and or but so if not no yes yeah yep nope ok
    okay sure sorry please thanks maybe perhaps probably actually just too very really only still again also by in at
    on to of for from with about before after near is are was be do does did can cant could wont would have has
    had got get go going come coming came run running drive driving walk walking leave leaving wait waiting work working
    parking call calling stuck traffic jam road street avenue highway train bus car taxi subway flight gas flat tire
    accident detour closed open lost sick ill flu covid fever headache doctor hospital emergency kid kids baby school
    meeting office home house here there out off up down over back new other another different same time times visit
    appointment appt session confirm confirmed cancel cancelled canceled move reschedule change wrong number busy help
    wait hold what when where why who which how weather lunch dinner good great fine nice bad all more
    much many some any everything nothing something someone everyone happy thing question
    migraine babysitter insurance sitter
"""
_ORDINARY_ES = """
    lunes martes miercoles jueves viernes sabado enero febrero marzo mayo junio agosto septiembre setiembre octubre
    noviembre diciembre hoy manana ayer ahora ahorita luego pronto tarde temprano noche mediodia dia dias semana semanas
    mes ano hora horas minuto minutos momento momentito segundo rato un una uno tres cuatro cinco seis siete ocho
    nueve diez primera primero proxima proximo siguiente ultima ultimo este esta esto ese esa eso el ella yo tu usted mi
    su lo se me te si no ya tal vez quizas quiza talvez acaso perdon perdone disculpe disculpa lo siento por para con
    sin en al que cuando donde como quien cual porque pero solo tambien muy mas menos mejor voy vengo llego llegando
    salgo estoy esperando espera espere esperen trafico carro coche tren camion metro autobus calle avenida puerta casa
    trabajo escuela oficina cita visita enferma enfermo gripe fiebre hospital ocupada ocupado ayuda cambio cambiar mover
    cancelar confirmar confirmo numero equivocado bien mal todo nada algo alguien otra otro nueva nuevo lluvia nieve
"""
_ORDINARY = frozenset(f"{_ORDINARY_EN} {_ORDINARY_ES}".split())
"""What has one of these is no name: "Stop - Traffic", "STOP - ONE SEC"."""
_EITHER = frozenset(
    (
        "jan",
        "april",
        "may",
        "june",
        "august",
        "abril",
        "julio",
        "sun",
        "domingo",
        "day",
        "park",
        "rain",
        "snow",
        "storm",
    )
)
"""Alone they may be a day, a month or the weather; beside another one they are a name."""


def whole(body: str) -> str:
    """A message as a keyword: `Opt-Out.` is `OPT OUT`, `S T O P`, `ST OP` and `stop stop` are `STOP`."""
    words = re.findall("[a-z0-9]+", letters(body.replace("🛑", " stop ")))
    if all(len(word) == 1 for word in words) or "".join(words).upper() in OPT_OUT:
        words = ["".join(words)]
    return _once(words).upper()


def says_stop(body: str) -> bool:
    """Whether a message says in other words that no more texts are wanted; politeness may stand around them."""
    bare = _bare(whole(body))
    return bare.upper() in _POLITELY or _wholly_says_stop(bare) or _is_signed(body)


def _wholly_says_stop(bare: str) -> bool:
    """Whether it's an opt-out once what asks for it and what is said beside it are taken away."""
    if len(bare) > _LONGEST:
        return False
    calm = " ".join(_HEATED.sub(" ", bare).split())
    while (rest := _AROUND.sub("", calm)) != calm:
        calm = rest
    return any(_SAYS_STOP.fullmatch(said) is not None for said in (bare, calm))


def says_start(keyword: str) -> bool:
    """Whether it asks for them again."""
    return keyword in OPT_IN or _bare(keyword).upper() in OPT_IN


def _bare(keyword: str) -> str:
    return _once(_POLITE.sub(" ", keyword.lower()).split())


def _once(words: list[str]) -> str:
    """`stop stop stop` and `no mas no mas` say it more than once."""
    for length in range(1, len(words) // 2 + 1):
        if len(words) % length == 0 and words == words[:length] * (len(words) // length):
            return " ".join(words[:length])
    return " ".join(words)


def _is_signed(body: str) -> bool:
    """Whether it's `stop` and a name below or beside it.

    Whoever writes more than a name, or a name without capitals, may speak of a visit; a person reads that.
    """
    found = _SIGNED.fullmatch(body)
    if found is None:
        return False
    names = [name for name in re.findall(_NAME, found[1]) if name not in _WITHIN_NAMES]
    said = {letters(name) for name in names}
    return (
        0 < len(names) <= 3
        and not any(name[0].islower() for name in names)
        and not said & _ORDINARY
        and not said <= _EITHER
    )
