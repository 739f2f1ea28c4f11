"""Everyday phrases that only sound like danger, read as those of crisis_words.py; none goes beyond its clause."""

_NOT = "(not|dont|doesnt|didnt|never|no longer|dnt)"
_THING = "(phone|phones|battery|batterys|car|laptop|wifi)"
_DIES = "(is|was|has|s|will|keeps|might|about to|going to|gonna|went|almost|nearly|just|be)"
_RELATIVE = "(mom|mother|dad|father|grandma|grandmother|grandpa|uncle|aunt|dog|cat)"
_MUERTO = "(muerto|muerta|muriendo)"

HARMLESS = (
    "dying to (hear|know|try|meet you|come|see (you|what|how|if))",
    "to die for",
    "(die|dying|dead) of (embarrassment|laughter|boredom|hunger)",
    f"{_THING} (is|was|has|will|keeps|might|went) {_DIES}? {_DIES}? (die|dying|dead)",
    "(batterys|battery) (dead|gonna die)",
    "die laughing",
    "dead (tired|line|end)(?! of)",
    "death in the family",
    rf"{_RELATIVE} (is|was|s) (dying|dead)(?![^,.;]* (i|im|id|ill|me|my|too|next)\b)",
    f"{_NOT} live (in|at|near|nearby|here|far|there|that|close|on|around|together)",
    "living room",
    "can we end (it|this) (early|now|at)",
    r"\A(i am|im)? (so|just)? (glad|happy|grateful|lucky) to be alive",
    r"point in (coming|driving|going) around \d+",
    "wont be (here|around) tomorrow,(can|could) we (do|move|re schedule|change)",
    "is my last (session|visit|appointment),(right|correct)",
    "other side of",
    "(muero|morir|muriendo|muerto|muerta) de (hambre|risa|sueno|frio|calor|cansancio)",
    "me muero por (verte|verlo|verla|verlos|ir|saber|conocer)",
    f"(bateria|telefono|celular|carro|perro|gato) (ya)? (se)? (esta|estaba|quedo) (ya|casi)? {_MUERTO}",
    "muerte en la familia",
    r"muerte de (mi|un|una|nuestro|nuestra) (abuel|tio|tia|prim|espos|famili|amig|suegr|padr|madr|perro|perra|gat)\w*",
    "(morir|muriendo) (la|el|mi) (bateria|pila|telefono|celular|carro)",
)
"""They are taken out first; what else a text says still counts."""
