"""Words that no text, subject, call or sender's name may have: they tell whoever reads along what the care is about.

Each is the beginning of words, as written without accents. A dot at its end stands for nothing more than a plural, one
before it for any beginning, one within it for a blank or a sign.
"""

import re

from services.notifications.domain.spelling import letters

_CARE_EN = """
    counsel mental behavioral. clinic medical medicat meds. treat session diagnos symptom disorder. illness patient.
    hospital inpatient. outpatient. score phq gad. telehealth telemed depress bipolar mania. manic mood. anxi panic
    phobi ocd. trauma ptsd. grief grieving. bereave anger insomni adhd. autis asperger neurodiver schizo bpd.
    dissociat anorexi bulimi binge suicid self.harm abuse abusi violen assault addict rehab detox sober recovery. relaps
    alcohol drug. opioid methadone suboxone substance. gambling couple. marriage marital. divorce. sex. sexual
    sexolog gender. transgend lgbt hiv. cbt. dbt. emdr. ketamine tms. hypno neurofeedback biofeedback mindful
    sobriety dependency. .therap .psych shrink shrinks dialysis fertility pregnan
    stress. stressed. stressful. stressor. oncolog cancer. borderline. weight.loss trans. smoking. smoker. tobacco.
    vaping cocain heroin. fentan meth. methamphet amphetamin cannabi weed. nicotin marijuan opiat narcotic naltrexon
    bupren vivitrol xanax adderall benzodiaz lsd. mdma. psychedel psilocyb ayahuasca dementia alzheimer postpart
    post.partum postnatal perinatal dui. dwi. aa.meeting aa.group al.anon twelve.step 12.step
"""
_CARE_ES = """
    consejer mental. salud.mental clinic medic tratam sesion diagnos trastorn sintom enferm paciente. puntua
    telesalud telemed depres mania. ansied ansios panico fobi toc. trauma tept. duelo. luto. estres insomni tdah.
    autis esquizo tlp. anorexi bulimi atracon suicid autoles violen maltrat agresi adicc adict rehabilit
    desintox recaida alcohol droga. pareja. matrimonial divorci estado.de.animo estado.animo sobrio. sobria.
    sobriedad .terap .psic .psiq embaraz dependencia. abuso. abusad abusiv heroina. marihuan mariguan metanfet anfetamin
    demencia. pos.parto post.parto posnatal tabaquismo fumar. fumador doce.pasos 12.pasos
"""
_MONEY_EN = """
    fee. offer. discount sale. copay co.pay bill. billed billing invoic payment pay. paying payable paid. price.
    pricing cost. costing charge. charged insur deductible coinsurance owe. owed. debt refund cheap dollar. usd.
    promo coupon. voucher. gift. giveaway prize. reward. free.trial special.deal daily.deal best.deal deal.of.the
    deposit penalt penaliz penalid bargain purchas buy. venmo zelle paypal credit.card. balance.due your.balance
"""
_MONEY_ES = """
    oferta. gratis. gratuit descuent tarifa. precio. pago. pagar. pague. pagado. costo. costos. coste. cuesta.
    factur cobr deud saldo. copago. deducible. aseguranza. reembols dolar promoci rebaja barat comprar. compra.
    tarjeta.de.credito. honorario. multa. regalo. premio. sorteo. ganga. recargo. cupon
"""
_PLACE = """
    zoom. remote. remotely virtual online. on.line. video webcam facetime google.meet. skype. remoto. remota.
    en.linea. por.internet. a.distancia.
"""


def _any_of(*lists: str, signs: str = "") -> re.Pattern[str]:
    return re.compile("|".join([rf"\b{_spelled(word)}" for word in " ".join(lists).split()]) + signs)


def _spelled(word: str) -> str:
    within = word.strip(".").replace(".", r"[\W_]?")
    return (r"\w*" if word.startswith(".") else "") + within + (r"(?:s|es)?\b" if word.endswith(".") else r"\w*")


_CARE = _any_of(_CARE_EN, _CARE_ES)
_MONEY = _any_of(_MONEY_EN, _MONEY_ES, signs=r"|[$€£]|\d ?(?:(?:%|percent) ?off|bucks?|euros?|pesos?)\b")
_WHERE = _any_of(_PLACE)


_SPLIT = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Within `SafeRehab`."""
_NEUTRAL = re.compile(
    r"\bmedical(?= (?:center|group|associates|practice)\b)|\bmindful\b"
    r"|(?<=\bdr )(?:[a-z]+ )?(?:bill|price|fee|sessions|treat|weed|gift)\b|(?<=\bdr )bill\b|\bheroines\b"
)
"""What is right in a sender's name and nowhere else, surnames after `Dr.` above all."""


def of_name(name: str) -> str:
    """What a sender's name tells: the words within it, without those that are only somebody's name."""
    told = re.sub(r"\b(?:dra?|doctora?)\b\.? ?", "dr ", letters(_SPLIT.sub(" ", name)))
    return _NEUTRAL.sub(" ", told)


def names_care(text: str) -> str | None:
    """The word that says what the care is about: a diagnosis, a kind of therapy, a score."""
    return _found(_CARE, text)


def speaks_of_money(text: str) -> str | None:
    return _found(_MONEY, text)


def names_place(text: str) -> str | None:
    """The word that says that a visit needs no travel; only who is offered such a one reads that."""
    return _found(_WHERE, text)


def _found(words: re.Pattern[str], text: str) -> str | None:
    found = words.search(letters(text))
    return found[0] if found else None
