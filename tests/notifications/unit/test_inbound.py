"""What a client's text means, and for how long a question may be answered by one."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.inbound import digit, meaning
from services.notifications.domain.model import Purpose, Visit
from services.notifications.domain.opting import OPT_OUT
from services.notifications.domain.plans import new_message
from services.notifications.domain.questions import question
from tests.support.build import NOW, appointment_event

DANGER = [
    "I want to end it",
    "i just want to end it all, stop",
    "Thinking about suicide again",
    "I feel suicidal",
    "I don't want to be here anymore",
    "I don’t want to live",
    "dont want to live",
    "I do not want to wake up",
    "i might hurt myself",
    "I keep cutting myself",
    "everyone would be better off dead without me",
    "they'd all be better off without me",
    "I can't go on",
    "I cant do this any more",
    "gonna overdose tonight",
    "took all my pills",
    "I wanna die",
    "i wish i was dead",
    "I want to kill myself",
    "KMS",
    "there's no reason to live",
    "no point in living",
    "nothing left to live for",
    "life is not worth living",
    "I'm going to take my own life",
    "I won't be here tomorrow",
    "I'm ending my life tonight",
    "cancel everything, i want to die",
    "STOP. I want to end it all",
    "STOP - kill me",
    "Stop\nkill myself",
    "self-harm again",
    "I want 2 end it. I am going to hang myself",
    "quiero morir",
    "Quiero morirme",
    "me quiero matar",
    "voy a matarme",
    "no quiero vivir",
    "No quiero seguir viviendo así",
    "quiero quitarme la vida",
    "quiero acabar con todo",
    "voy a terminar con mi vida",
    "pienso en el suicidio",
    "tengo ganas de morir",
    "quiero hacerme daño",
    "voy a cortarme",
    "ya no puedo más",
    "ya no aguanto",
    "estarían mejor sin mí",
    "no tengo razones para vivir",
    "no vale la pena vivir",
    "me tomé todas las pastillas... sobredosis",
    "my husband hits me",
    "STOP. he has a gun",
    "I am in danger",
    "I'm going to kill my boss",
    "I hit my baby",
    "mi esposo me pega",
    "abusan de mí",
    "estoy en peligro",
    "voy a matar a mi jefe",
]
"""Phrasings of danger, as crisis lines list them and as phones write them; none may be missed."""


@pytest.mark.parametrize("word", sorted(OPT_OUT))
def test_an_opt_out_word_counts_in_any_case_as_the_whole_message(word: str) -> None:
    assert meaning(word) == meaning(f"  {word.lower()} ") == meaning(f"{word.title()}.") == "opt_out"


@pytest.mark.parametrize(
    "text",
    [
        "Stop!!!",
        "“STOP”",
        "stop stop stop",
        "STOP\n",
        "Opt-Out",
        "opt out.",
        "S T O P",
        "s.t.o.p.",
        "STOP please",
        "Please stop",
        "please stop, thank you",
        "🛑",
        "stop 🛑",
        "stopp",
        "STPO",
        "stop it",
        "stop texting me",
        "Stop messaging me!",
        "stop sending me texts",
        "stop all messages",
        "stop with the texts",
        "quit texting me",
        "no more texts",
        "No more messages please",
        "don't text me anymore",
        "Do not contact me again",
        "I want to unsubscribe",
        "take me off this list",
        "unsuscribe",
        "Unsubscribe me",
        "unsubscribe me from your list",
        "opt me out",
        "opt out of these messages",
        "opt-out please",
        "remove me",
        "remove my number from the list",
        "PARA",
        "paren ya",
        "BASTA",
        "ya basta",
        "detener",
        "detengan",
        "cancela",
        "cancelen los mensajes",
        "salir",
        "darse de baja",
        "quiero darme de baja",
        "Dar de baja",
        "no más mensajes",
        "no más textos, por favor",
        "ya no quiero recibir mensajes",
        "dejen de escribirme",
        "por favor dejen de mandarme mensajes",
        "no me escriban más",
        "bórrenme de la lista",
        "desuscribir",
        "desubscribir",
        "dessuscribirme",
        "desinscribirme",
        "No, stop",
        "no thanks stop",
        "wrong number stop",
        "wrong number, please stop",
        "I said stop",
        "just stop",
        "no more text messages please",
        "no more of these texts",
        "i don't want texts",
        "I don't want any more text messages",
        "I do not want to receive texts anymore",
        "do not text this number",
        "don't text my phone",
        "stop sending me this",
        "stop sending me these",
        "I want to stop getting texts",
        "cancel texts",
        "cancel all text messages",
        "cancelar mensajes",
        "I revoke my consent",
        "I withdraw my consent to text me",
        "leave me alone",
        "no me molesten",
        "no me molesten más",
        "déjenme en paz",
        "STOP - John",
        "Stop\nJohn Smith",
        "stop – J. Smith",
        "ＳＴＯＰ",
        "sto\u200bp",
        "¡ALTO!",
        "no más",
        "Stop All",
        "'unsubscribe'",
        "st0p",
        "ST0P!",
        "stop to stop",
        "stop 2 stop",
        "txt stop",
        "Text STOP",
        "text stop to end",
        "no texts",
        "No texts please",
        "no text messages",
        "end texts",
        "end these messages",
        "do not contact",
        "don't text",
        "cancelar suscripción",
        "cancele mi suscripcion",
        "parar mensajes",
        "detener mensajes",
        "eliminar mensajes",
        "quitar mi número",
        "borrar mi numero",
        "saquen mi número de la lista",
        "lose my number",
        "forget this number",
        "take my number off",
        "take me off",
        "wrong number stop texting",
        "wrong number, stop texting me please",
        "no molestar",
        "no molesten más",
        "arrêt",
        "arrêtez",
    ],
)
def test_as_people_really_write_it(text: str) -> None:
    assert meaning(text) == "opt_out"


@pytest.mark.parametrize("text", DANGER)
def test_words_that_may_mean_danger_go_before_everything_else(text: str) -> None:
    assert (
        meaning(text) == meaning(text.upper()) == meaning(text.replace("'", "’")) == meaning(f"  {text}!!") == "safety"
    )


@given(
    text=st.sampled_from(DANGER),
    before=st.text(max_size=30),
    after=st.text(max_size=30),
    blank=st.sampled_from([" ", "\n", "  ", " ... ", ", "]),
)
def test_whatever_stands_around_them(text: str, before: str, after: str, blank: str) -> None:
    assert meaning(f"{before}{blank}{text}{blank}{after}") == "safety"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("START", "opt_in"),
        ("unstop", "opt_in"),
        ("Start please", "opt_in"),
        ("S T A R T", "opt_in"),
        ("opt-in", "opt_in"),
        ("comenzar", "opt_in"),
        ("help", "help"),
        ("INFO", "help"),
        ("Ayuda", "help"),
        ("please cancel my visit", "other"),
        ("please cancel", "other"),
        ("cancel it please", "other"),
        ("cancela mi cita", "other"),
        ("I'll stop by at 5", "other"),
        ("I need to stop", "other"),
        ("I want to stop", "other"),
        ("stop - by the door", "other"),
        ("stop - Friday", "other"),
        ("cancel - John", "other"),
        ("no more text, call me", "other"),
        ("wrong number", "other"),
        ("fuck off", "other"),
        ("get lost", "other"),
        ("no texts from you came through", "other"),
        ("end texts at 9?", "other"),
        ("do not contact my old address", "other"),
        ("I lost my number", "other"),
        ("take my number down", "other"),
        ("take me off Friday", "other"),
        ("text stop is where?", "other"),
        ("cambiar mi número", "other"),
        ("cancelar la cita", "other"),
        ("quitar mi número de la puerta", "other"),
        ("no quiero molestar", "other"),
        ("no molesta", "other"),
        ("I don't want this time", "other"),
        ("cancel the text one", "other"),
        ("leave me a message", "other"),
        ("stop by at 5?", "other"),
        ("the bus stop is closed", "other"),
        ("my stop is closed", "other"),
        ("stop the 3pm one", "other"),
        ("don't text me the address, mail it", "other"),
        ("remove me from Friday", "other"),
        ("opt me in", "other"),
        ("no more Tuesdays", "other"),
        ("when do I start", "other"),
        ("para mañana", "other"),
        ("para las 3 por favor", "other"),
        ("basta con las 3", "other"),
        ("no más temprano", "other"),
        ("dejen de llamar", "other"),
        ("no me mandes el link otra vez", "other"),
        ("Can I stop by earlier?", "other"),
        ("I'll be at the end of the street", "other"),
        ("yes", "other"),
        ("help me find parking", "other"),
        ("", "other"),
        ("4", "other"),
        ("12", "other"),
        ("1 hour late", "other"),
    ],
)
def test_other_texts(text: str, expected: str) -> None:
    assert meaning(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1", "1"),
        (" 2. ", "2"),
        ("(3)", "3"),
        ("1\ufe0f\u20e3", "1"),
        ("１", "1"),
        ("#2", "2"),
        ("one", None),
        ("1 2", None),
        ("11", None),
    ],
)
def test_a_digit_is_an_answer_and_no_word_is(text: str, said: str | None) -> None:
    assert digit(text) == said
    assert (meaning(text) == "answer") == (said is not None)


@given(st.text(max_size=300))
def test_whatever_is_written_means_something(text: str) -> None:
    assert meaning(text) in ("opt_out", "opt_in", "help", "safety", "answer", "other")


VISIT = Visit.of(appointment_event())
ASKED_AT = VISIT.start - timedelta(days=2)
LONG_AFTER = VISIT.start + timedelta(days=30)


@pytest.mark.parametrize(
    ("purpose", "at", "until"),
    [
        ("confirm_request", ASKED_AT, VISIT.start),
        ("check_in", LONG_AFTER, LONG_AFTER + timedelta(days=7)),
        ("reminder", ASKED_AT, None),
    ],
)
def test_a_visit_is_asked_about_until_it_begins_and_how_somebody_is_for_a_week(
    purpose: Purpose, at: datetime, until: datetime | None
) -> None:
    message = new_message(
        client_id=VISIT.client_id, visit=VISIT, purpose=purpose, step="x", channels=("sms",), due_at=NOW
    )
    found = question(message, "+12025550123", VISIT, at)
    assert (found.open_until if found else None) == until
