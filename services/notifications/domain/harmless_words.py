"""Everyday phrases that only sound like danger, read as those of crisis_words.py; none goes beyond its clause."""

_NOT = "(not|dont|doesnt|didnt|never|no longer|dnt)"
_THING = "(phone|phones|battery|batterys|car|laptop|wifi|elevator)"
_DIES = "(is|was|has|s|will|keeps|might|about to|going to|gonna|went|almost|nearly|just|be)"
_RELATIVE = "(mom|mother|dad|father|grandma|grandmother|grandpa|uncle|aunt|dog|cat)"
_AT = r"(\d{1,2}|\w{1,2}[ap]m|noon)"
"""`4pm` is read as `apm`: signs that may stand for a letter do within a word."""
_TABLETS = "(advil|tylenol|aspirin|ibuprofen|aleve|motrin|excedrin|benadryl|melatonin)"
_NO_MORE = r"(?!.*\b(more|another|bottles?|box|boxes|packs?|every|handful|pills)\b)"
_FREE_DAY = "((mon|tues|wednes|thurs|fri|satur|sun)day)"
_MUERTO = "(muerto|muerta|muriendo)"

HARMLESS = (
    "dying to (hear|know|try|meet you|come|see (you|what|how|if|your|the new))",
    "to die for",
    "(die|dying|dead) of (embarrassment|laughter|boredom|hunger)",
    f"{_THING} (is|was|has|will|keeps|might|went) {_DIES}? {_DIES}? (die|dying|dead)",
    "(phone|phones|laptop|tablet) (just)? about to die",
    "(batterys|battery) (dead|gonna die)",
    "(die|dying|dead) laughing",
    "drop dead gorgeous",
    "dead (tired|line|end)(?! of)",
    "death in the family",
    r"death of (my|his|her|our|a) (aunt|uncle|grand\w+|cousin|neighbor|friend|dog|cat)",
    "(boss|manager|coach) (will|would|is going to|s going to|is gonna|gonna) kill me",
    rf"{_RELATIVE} (is|was|s) (dying|dead)(?![^,.;]* (i|im|id|ill|me|my|too|next)\b)",
    f"{_NOT} live (in|at|near|nearby|here|far|there|that|close|on|around|together)",
    "living room",
    "live (stream|streams|streaming|captions|chat)(?! (with|to) me)",
    "(live|survive) without (my|the|your|this)? (calendar|phone|coffee|reminders|app|planner|laptop|wifi|car|glasses)",
    "can we end (it|this) (early|now|at)",
    rf"\A(lets|let us|can we|could we|we can|we could|please)? end (it|this|things) at {_AT}\Z",
    "lets end (it|this|things) (there|here) for (this|the|today|now)",
    f"{_NOT} want to be (here|there) at {_AT}",
    f"sleep for ever (on|this|all)? {_FREE_DAY} (lol|haha|lmao)",
    "wake up (the|my|our) (baby|kid|kids|toddler|dog|roommate|neighbors)(?! (is|will|would))",
    "disappear from (your|this|the) (mailing|email|contact|text)? (list|lists|records)",
    "(nobody|no one) cares if (im|i am) … late",
    "burden of proof",
    "(lost|losing|no) (all)? hope (of|for|in) (finding|getting)? (parking|a spot|a space)",
    "gun to my head (id|i would|ill) (pick|choose|say|go (with|for))",
    r"hate my self for (forgetting|missing) (the|my|our|this) (appointment|session|visit)",
    rf"(took|take|taking) (1|2|one|two) {_TABLETS}{_NO_MORE}",
    r"(take|takes|taking) (\d\d|[12]\d\d) mg",
    "(take|takes) (1|2|one|two) (pills|tablets) (every|each|at|in)",
    r"do i (need|have) to take (\d|my|the|any|these)? (pill|pills|meds|medication) (before|after|with|first)",
    r"\A(i am|im)? (so|just)? (glad|happy|grateful|lucky) to be alive",
    r"point in (coming|driving|going) around \d+",
    "wont be (here|around) tomorrow,(can|could) we (do|move|re schedule|change)",
    "is my last (session|visit|appointment),(right|correct)",
    "is my last day (of|at) (work|school|class|classes|camp|college|vacation)",
    "other side of",
    "pistola de (agua|silicon|juguete)",
    "(matar|matarme|mato|matamos) (dos|2) pajaros",
    r"matar (el|la|un|una|las|los|unas|unos)? (tiempo|rato|hambre|antojo|(mosquito|cucaracha|hormiga|arana|rata)s?)",
    "ultimo dia (es|sera|seria) (el|este)? (lunes|martes|miercoles|jueves|viernes|sabado|domingo)",
    "perdon por todo el (cambio|lio|relajo|enredo|retraso|inconveniente)",
    "(muero|morir|muriendo|muerto|muerta) de (hambre|risa|sueno|frio|calor|cansancio)",
    "me muero por (verte|verlo|verla|verlos|ir|saber|conocer)",
    f"(bateria|telefono|celular|carro|perro|gato) (ya)? (se)? (esta|estaba|quedo) (ya|casi)? {_MUERTO}",
    "muerte en la familia",
    r"muerte de (mi|un|una|nuestro|nuestra) (abuel|tio|tia|prim|espos|famili|amig|suegr|padr|madr|perro|perra|gat)\w*",
    "(morir|muriendo) (la|el|mi) (bateria|pila|telefono|celular|carro)",
)
"""They are taken out first; what else a text says still counts."""
