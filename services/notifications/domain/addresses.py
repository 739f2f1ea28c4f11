"""What a phone or a mail program makes a link of, with or without `https://`."""

import re
import unicodedata
from itertools import pairwise

_OUTRIGHT = re.compile(
    r"\w://|\bwww\.|\w@\w|\b\d+(?:\.\d+){3}\b"
    # Whatever has a path is one, wherever it ends: `rb.gy/abc`, `maple.nosuch/book`.
    r"|[\w-]\.(?:xn--[\w-]+|[^\W\d_]{2,})(?::\d+)?(?:/|\?\w+=)",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"(?<![\w-])[\w-]+(?:\.[\w-]+)+")
_DOTS = str.maketrans("\u3002\uff61", "..")
_COUNTRIES = """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf
    cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg
    gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn
    kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na
    nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh
    si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve
    vg vi vn vu wf ws ye yt za zm zw
"""
_KINDS = """
    com org net edu gov mil int info biz pro coop mobi tel asia xyz app dev site online website web store shop shopping
    blog tech cloud host hosting digital network systems software technology tools codes computer link click page zone
    space world global international city town place center centre club group team company business services service
    support email chat help care health healthcare clinic hospital doctor dental dentist physio surgery vet pharmacy
    fitness fit yoga coach guide tips expert guru ninja rehab hiv law legal lawyer attorney abogado academy school
    college university education training institute courses foundation charity ngo ong community family kids baby mom
    dad church faith bible social media news press video radio film photo photos pics gallery studio design art ink wiki
    live life style house homes casa garden farm land estate properties rent rentals agency consulting solutions
    partners management marketing ventures capital finance financial bank money cash credit fund insurance loan loans
    tax deals sale discount bargains promo gift gifts auction bid vip party events tickets dating wedding cafe bar pub
    restaurant pizza food menu recipes kitchen coffee pet dog games game poker casino bet bingo lotto travel viajes
    tours hotel holiday taxi auto cars bike flights repair supply parts tienda moda futbol latino lat beauty hair makeup
    skin spa salon fashion clothing shoes energy eco bio green earth organic solar nyc boston miami vegas london paris
    berlin madrid barcelona amsterdam tokyo quebec cat gal eus gay lgbt memorial rip fun cool lol wtf fyi icu cyou buzz
    sbs cfd bond mov zip foo nexus top phd prof esq onl ist goog google youtube apple amazon example test invalid
    localhost onion
"""
_BEGIN_SENTENCES = """
    is it in so no me my to be am at as us do by re et im id ad ps pm st mr ms ma pa ph se de la si es su va ve vi al ni
    ir sr today now one how here best new day date work play love win run save call soy uno
"""
"""Ends of addresses that are words too.

In `soon.It is at 3` a blank is missing; in `maple.it` none is, nor does a phone miss one in `soon.it is`. So what isn't
written like the beginning of a sentence is an address; whoever meant none adds the blank.
"""
_ENDS = frozenset(f"{_COUNTRIES} {_KINDS} {_BEGIN_SENTENCES}".split())
_WORDS = frozenset(_BEGIN_SENTENCES.split())
_UNITS = frozenset(("am", "pm", "hr", "km", "cm", "mm", "kg"))
"""`9.30.pm` is a time."""


def address(text: str) -> bool:
    """Whether there is one in a text."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    plain = plain.translate(_DOTS)
    if _OUTRIGHT.search(plain) is not None:
        return True
    parts = (found[0].split(".") for found in _DOTTED.finditer(plain))
    return any(_ends_one(name, end) for each in parts for name, end in pairwise(each))


def _ends_one(name: str, end: str) -> bool:
    """Whether `name.end` is an address: `maple.help` is, `St.Mary`, `p.m.in` and `soon.It` aren't."""
    lower = end.lower()
    if lower.startswith("xn--"):
        return True
    if lower not in _ENDS or (name.isdigit() and lower in _UNITS):
        return False
    return lower not in _WORDS or (len(name) > 1 and not end.istitle())
