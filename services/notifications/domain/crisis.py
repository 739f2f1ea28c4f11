"""Words that may mean self-harm, in English and Spanish. One too many costs a call; one too few may cost a life.

They are looked for in lower case, without accents, apostrophes and punctuation, whatever a phone's keyboard makes of
them.
"""

import re

_SELF = "(my ?self|me)"
_ENGLISH = (
    "suicid",
    "kms",
    "unaliv",
    f"kill(ing|ed)? {_SELF}",
    f"(hurt|hurting|harm|harming|cut|cutting|hang|hanging|shoot|shooting|drown|drowning|burn|burning|poison) {_SELF}",
    "self ?harm(ing)?",
    "(end|ending) (it|it all|my life|my pain|things|everything|all of it)",
    "(want|wanna|wanted|going|gonna|ready|like|need|hope|trying|planning) (to )?(die|be dead|disappear forever)",
    "wish i (was|were) (dead|never born|not here|not alive)",
    "wish i (wasnt|werent) (here|alive|born)",
    "(dont|do not|didnt|no longer) (want|wanna) (to )?(live|be here|be alive|exist|wake up|go on)",
    "dont wanna (live|be here|be alive|exist|wake up|go on)",
    "better off (dead|without me)",
    "no (reason|point|purpose) (to|in|for) (live|living|going on|go on|being alive)",
    "nothing (left )?to live for",
    "(not|isnt|aint) worth living",
    "overdos(e|ed|ing)",
    "od on",
    "(take|took|taking|swallow|swallowed) (all )?(of )?(my|the|these) pills",
    "(cant|cannot|can not) (go on|do this any ?more|take (it|this) any ?more|live like this)",
    "(take|taking) my (own )?life",
    "jump(ing)? off (a|the|my)",
    "slit(ting)? my",
    "goodbye forever",
    "(wont|will not) be (here|around|alive) (tomorrow|much longer|any ?more)",
)
_SPANISH = (
    "matarme",
    "me (quiero|voy a|gustaria) (matar|morir|suicidar)",
    "(quiero|quisiera|deseo|prefiero) (morir|morirme|estar muert[oa]|desaparecer para siempre)",
    "ganas de (morir|morirme|matarme)",
    "no tengo ganas de vivir",
    "quitarme la vida",
    "(acabar|terminar) con (todo|mi vida|esto|mi dolor)",
    "no (quiero|deseo) (vivir|seguir viviendo|seguir asi|estar aqui|existir|despertar)",
    "(hacerme|me hago|me hice) dano",
    "(lastimarme|cortarme|ahorcarme|colgarme|pegarme un tiro|envenenarme)",
    "(tirarme|lanzarme) (de|del|a|al|por)",
    "mejor (muert[oa]|sin mi)",
    "no (tengo|hay|encuentro) (ninguna )?razon(es)? para vivir",
    "ya no (puedo mas|aguanto|aguanto mas)",
    "no puedo (mas|seguir)",
    "sobredosis",
    "(tomarme|tome|tragarme) (todas )?(las|mis) pastillas",
    "no vale la pena vivir",
    "adios para siempre",
)
_ANY = re.compile(r"\b(" + "|".join((*_ENGLISH, *_SPANISH)) + r")")


def may_mean_self_harm(plain: str) -> bool:
    """Of text in lower case with single blanks and nothing but letters and digits."""
    return _ANY.search(plain) is not None
