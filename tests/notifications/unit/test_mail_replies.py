"""What people answer to a mail, as mail programs write it: what is theirs in it, and what it means."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.mail_replies import MOST_WORDS, UNREADABLE, MailReply, read_reply
from tests.notifications.unit.test_mail_reports import OURS, bounce

WROTE = "On Mon, Mar 2, 2026 at 9:00 AM Maple <hello@maple.example> wrote:"
WRAPPED = "On Mon, Mar 2, 2026 at 9:00 AM Maple Counseling Group\n<hello@maple.example> wrote:"
BLOCK = "From: Maple <hello@maple.example>\nSent: Monday, March 2\nTo: client@example.org\nSubject: Your visit\n"


def letter(words: str = "I'll be there.", subtype: str = "plain", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    known = {"Message_ID": "<theirs@phone.example>", "In_Reply_To": f"<{OURS}@maple.example>", **headers}
    for name, value in known.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(words, subtype=subtype)
    return mail


def raw(body: bytes, kind: str = "text/plain; charset=utf-8", more: bytes = b"") -> bytes:
    head = f"Message-ID: <theirs@phone.example>\r\nIn-Reply-To: <{OURS}@maple.example>\r\nContent-Type: {kind}\r\n"
    return head.encode() + more + b"\r\n" + body


def told(mail: EmailMessage | bytes) -> MailReply:
    found = read_reply(mail if isinstance(mail, bytes) else mail.as_bytes())
    assert found is not None
    return found


@pytest.mark.parametrize(
    "words",
    [
        "I'll be there.",
        f"I'll be there.\n\n{WROTE}\n> See you",
        f"I'll be there.\n\n{WRAPPED}\n\n> See you",
        "I'll be there.\n> See you",
        f"I'll be there.\r\n-----Original Message-----\r\n{BLOCK}\nSee you",
        f"I'll be there.\n\n________________________________\n{BLOCK}\nSee you",
        "I'll be there.\n\nEl lun, 2 mar 2026 Maple escribi\u00f3:\n>Hasta luego",
        f"{WROTE}\n> See you\n\nI'll be there.",
        "On Monday Maple <hello@maple.example> wrote:\n> See you\n\nI'll be there.",
    ],
)
def test_an_answer_is_what_was_written_without_what_it_answers(words: str) -> None:
    assert told(letter(words)) == MailReply("<theirs@phone.example>", OURS, "I'll be there.")


@pytest.mark.parametrize(
    "words",
    [
        "From: here on I won't come.\nTo: be honest, I can't.",
        "On Monday I came.\nThis is what my mother wrote:\nHe is ill.",
        "________\nFrom: here on",
        "I am\n-----\nill",
    ],
)
def test_what_only_looks_like_a_quotation_stays(words: str) -> None:
    assert told(letter(words)).words == words


def test_what_stands_between_and_below_quotations_is_theirs() -> None:
    inline = f"{WROTE}\n> Is Monday good?\n\nYes.\n\n> At nine?\n\nNo, at ten.\n"
    assert told(letter(inline)).words.split() == ["Yes.", "No,", "at", "ten."]
    below = f"-----Original Message-----\n{BLOCK}\nSee you\n\nI want to die"
    assert told(letter(below)).meaning == "safety"


@pytest.mark.parametrize(
    "mail",
    [
        letter("I want to die"),
        letter(f"{WROTE}\n> Your visit\n\nI want to kill myself"),
        letter("I'd like to move it.\n\n> Your visit is Monday\n\nAlso I want to die."),
        letter("From: here on I don't want to live"),
        letter("Thanks.\n" * 30_000 + "I want to die"),
        letter("Stop.\n\nI want to die"),
        letter("Thanks.\n" + "x" * 4_979 + "\nI want to die\n" + "y " * 10_000),
        letter("Yes", Subject="I want to die"),
        letter("Yes", Subject="=?utf-8?b?SSB3YW50IHRvIGRpZQ==?="),
        letter(" ", Subject="Re: I want to die"),
        letter("Thanks<!-- <p>I want to die", "html"),
        raw(b"I want to die", "text/plain; charset=idna"),
        raw(b"I want to die", "multipart/mixed"),
        raw(b"Content-Type: message/rfc822\r\n\r\n" * 3_000 + b"I want to die", "message/rfc822"),
    ],
)
def test_words_of_danger_are_found_wherever_they_stand(mail: EmailMessage | bytes) -> None:
    assert told(mail).meaning == "safety"


def test_what_is_quoted_is_no_danger_of_today() -> None:
    assert told(letter(f"Thanks.\n\n{WROTE}\n> I want to die")).meaning == "other"
    assert told(letter(f"Thanks.\n\n-----Original Message-----\n{BLOCK}\nI want to die")).meaning == "other"
    html = f"<div>Thanks.</div><div>{WROTE}<br></div><blockquote class=gmail_quote><p>I want to die</p></blockquote>"
    assert (told(letter(html, "html")).meaning, told(letter(html, "html")).words) == ("other", "Thanks.")


@pytest.mark.parametrize(
    "words",
    [
        "STOP",
        f"Stop\n\n{WRAPPED}\n\n> See you",
        f"Stop\n{WRAPPED}\n> See you",
        "STOP\n\n-- \nMaria Lopez\nAccountant",
        "STOP\nSent from my iPhone",
        "Alto\n\nEnviado desde mi iPhone",
        f"Please stop\n\nGet Outlook for iOS\n________________________________\n{BLOCK}\nSee you",
        "<div>STOP</div><div><br></div><blockquote type=cite>See you</blockquote>",
    ],
)
def test_who_says_stop_and_no_more_opts_out(words: str) -> None:
    found = told(letter(words, "html" if words.startswith("<") else "plain"))
    assert (found.meaning, found.more) == ("opt_out", False)


def test_what_else_somebody_writes_who_opts_out_is_told() -> None:
    assert told(letter("Stop\n\nAnd I can't come on Monday.")).more
    assert told(letter("I'll stop by at five")).meaning == "other"
    assert told(letter("Sent from my iPhone", Subject="STOP")).meaning == "opt_out"
    assert told(letter("Thanks", Subject="STOP")).meaning == "other"


def test_an_answer_may_be_in_html_alone_or_in_whatever_alphabet() -> None:
    html = EmailMessage()
    html["References"] = f"<x@y.example> <{OURS}@maple.example>"
    html.set_content(
        "<style>p {}</style><!-- <p>no</p> --><p>I&#39;ll be <b>there</b>.<br>I <3 you</p>", subtype="html"
    )
    assert told(html).words == "I'll be there.\nI <3 you"
    strange = letter("Ma\u00f1ana").as_bytes().replace(b"utf-8", b"no-such-charset")
    assert told(strange).words == "Ma\u00f1ana"
    for alphabet in ("idna", "punycode", "unicode_escape", "zlib", "undefined", "x\x00"):
        assert told(raw(b"\\ud800 Hi", f"text/plain; charset={alphabet}")).words.endswith("Hi")
    assert told(raw("Hi \ud800".encode("utf-16", "surrogatepass"), "text/plain; charset=utf-16")).words.startswith("Hi")


def test_every_part_that_is_text_is_read_and_of_other_forms_the_first_that_says_something() -> None:
    both = letter("Yes.")
    both.add_alternative("<p>Yes, in HTML.</p>", subtype="html")
    assert told(both).words == "Yes."
    empty = letter(" \n")
    empty.add_alternative("<p>Yes.</p>", subtype="html")
    assert told(empty).words == "Yes."
    two = letter("Yes.")
    two.make_mixed()
    for more in (("At ten.", "plain"), ("<p>Not at nine.</p>", "html")):
        part = EmailMessage()
        part.set_content(more[0], subtype=more[1])
        two.attach(part)
    assert told(two).words == "Yes.\n\nAt ten.\n\nNot at nine."


def test_an_answer_without_words_is_a_persons_to_look_for() -> None:
    photo = letter(" ")
    photo.add_attachment(b"\xff", maintype="image", subtype="jpeg")
    assert (told(photo).words, told(photo).meaning) == (UNREADABLE, "other")
    nested = raw(b"Content-Type: message/rfc822\r\n\r\n" * 3_000 + b"hi", "message/rfc822")
    assert (told(nested).words, told(nested).meaning) == (UNREADABLE, "other")
    many = raw(b"--b\r\n\r\n" * 5_000, "multipart/mixed; boundary=b")
    assert told(many).words == UNREADABLE
    assert told(letter(" ", Subject="Can't come")).words == "Can't come"


def test_nothing_goes_on_record_that_no_database_keeps_nor_without_end() -> None:
    assert told(raw(b"H\x00i")).words == "Hi"
    assert told(raw(b"Hi").replace(b"theirs", b"the\x00irs\xe9")).mail_id.startswith("<theirs")
    assert len(told(letter("word " * 5_000)).words) in (MOST_WORDS, MOST_WORDS - 1)
    nameless = [raw(words).replace(b"Message-ID", b"X") for words in (b"Yes", b"No", b"No")]
    assert len({told(one).mail_id for one in nameless}) == 2, "each its own"
    assert told(letter(From="Maria <Client@Example.org>")).sender == "client@example.org"


@pytest.mark.parametrize(
    "mail",
    [
        letter(Auto_Submitted="auto-replied"),
        letter(Precedence="auto_reply"),
        letter(X_Autoreply="yes"),
        letter(In_Reply_To="<someone-elses@example.org>"),
        letter(" "),
        letter(" ", Subject="Re: Your visit"),
        letter("> See you"),
    ],
)
def test_what_nobody_wrote_to_us_is_no_answer(mail: EmailMessage) -> None:
    assert read_reply(mail.as_bytes()) is None


def test_a_report_is_no_answer_whatever_else_it_says() -> None:
    report = bounce().replace(b"Auto-Submitted: auto-replied", f"In-Reply-To: <{OURS}@maple.example>".encode())
    assert read_reply(report) is None


@pytest.mark.parametrize("piece", ["<style>", "<!--", "<a b='", "</a", "<blockquote type=cite>", "&", "<"])
def test_a_page_that_goes_on_and_on_is_read_at_once(piece: str) -> None:
    """What is four times as long takes about four times as long, by our own core: nothing is looked at again."""

    def seconds(signs: int) -> float:
        page, begun = raw((piece * signs)[:signs].encode(), "text/html"), time.process_time()
        read_reply(page)
        return time.process_time() - begun

    seconds(1_000)
    assert seconds(100_000) < 8 * max(seconds(25_000), 0.05)


@pytest.mark.parametrize("field", ["Content-Type: text/plain" + ";" * 300_000, "From: " + "a," * 100_000])
def test_a_field_that_goes_on_and_on_is_read_at_once(field: str) -> None:
    begun = time.monotonic()
    assert told(raw(b"Hi", "text/plain").replace(b"Content-Type: text/plain", field.encode())).words == "Hi"
    assert time.monotonic() - begun < 5


@given(st.binary(max_size=2_000))
def test_no_bytes_break_it(body: bytes) -> None:
    assert read_reply(body) is None
    for kind in ("text/plain", "text/html", "multipart/mixed; boundary=b", "message/rfc822"):
        read_reply(raw(body, kind))


@given(st.text("<>/!-? \n&#;abp'\"=stylequoc", max_size=200))
def test_no_page_breaks_it(page: str) -> None:
    read_reply(letter(page, "html").as_bytes())


@given(st.data())
def test_no_damage_of_an_answer_breaks_it(data: st.DataObject) -> None:
    both = letter("Ma\u00f1ana <p>", From="Maria <m@example.org>", Subject="=?utf-8?b?SGk=?=")
    both.add_alternative("<p>Ma\u00f1ana", subtype="html")
    damaged = bytearray(both.as_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    found = read_reply(bytes(damaged))
    assert found is None or "\x00" not in f"{found.words}{found.mail_id}".encode().decode()
