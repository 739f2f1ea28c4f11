"""Of whom phrases of danger speak, and of what: what crisis_words.py and its siblings have in common."""

FAMILY = (
    "((ex|step|baby|grand|god)? (husband|hubby|wife|spouse|boyfriend|girlfriend|bf|gf|fiance|fiancee|partner|ex|dad"
    "|daddy|father|mom|mommy|mum|mother|brother|sister|uncle|aunt|cousin|niece|nephew|pa|ma|son|daughter)( in law)?)"
)
OTHERS = "(boss|manager|coworker|coach|teacher|pastor|priest|tutor|babysitter|neighbor|landlord|roommate|friend)"
YOUNG = "(kid|child|teen|teenager|baby|boy|girl|student|client|patient|grandson|granddaughter|bestie)"
CHILD = "(my|the|our) (baby|babies|newborn|infant|toddler|kids?|child|children|sons?|daughters?|little (boy|girl|one))"
FAMILIA = (
    "((ex|ex )?(marido|esposo|esposa|mujer|novio|novia|pareja|ex|papa|papi|padre|mama|mami|madre|padrastro|madrastra"
    "|tio|tia|hermano|hermana|hermanastro|hermanito|hermanita|primo|prima|abuelo|abuela|suegro|suegra|cunado|cunada"
    "|hijo|hija|hijastro|hijastra|sobrino|sobrina|nieto|nieta))"
)
OTROS = "(jefe|jefa|vecino|vecina|maestro|profesor|entrenador|pastor|companero|companera|amigo|amiga|patron)"
HIJOS = "mis? (hij[oa]s?|bebes?|nin[oa]s?|nen[ea]s?)"
MEDICINES = (
    "(advil|motrin|aleve|tylenol|aspirin|aspirina|ibuprofen|ibuprofeno|acetaminophen|paracetamol|naproxen|naproxeno"
    "|excedrin|benadryl|nyquil|dayquil|melatonin|melatonina|unisom|xanax|tafil|klonopin|rivotril|ativan|valium|restoril"
    "|ambien|lunesta|seroquel|zyprexa|risperdal|abilify|lithium|litio|lamictal|depakote|zoloft|prozac|lexapro|celexa"
    "|paxil|effexor|cymbalta|wellbutrin|remeron|buspar|buspirone|hydroxyzine|vistaril|trazodone|trazodona|gabapentin"
    "|gabapentina|lyrica|adderall|ritalin|vyvanse|concerta|clonidine|propranolol|insulin|insulina|metformin|metformina"
    "|tramadol|codeine|codeina|morphine|morfina|methadone|metadona|suboxone|percocets?|percs|vicodin|norcos?|oxys?"
    "|oxycontin|fentanyl|fentanilo|soma|flexeril|digoxin|sertralina|sertraline|fluoxetina|quetiapina|omeprazol"
    r"|\w{3,}(azepam|azolam|codone|oxetine|tiapine|zapine|triptyline|triptilina|barbital|phetamine|morphone))"
)
"""Names of the usual ones, and how the names of others end; they are the same in either language, or nearly."""
