"""Phrases that may mean danger from others or to others, read as those of crisis_words.py.

Who is beaten, raped, threatened or shut in; who may kill or hurt somebody; who says that they are in danger. What is
said of somebody needs that person beside it: "the ball hit me" has none.
"""

from services.notifications.domain.common_words import CHILD, FAMILIA, FAMILY, HIJOS, OTHERS, OTROS

_WHO = (
    "(he|hes|hell|she|shes|shell|they|theyre|theyll|someone|somebody|(a|the) (man|guy|stranger)( next door)?"
    f"|(my )?({FAMILY}|{OTHERS}))"
)
_MAY = (
    "((is|was|has|have|been|be|just|always|still|sometimes|often|even|once|almost|again|never|used to|wants to|tried to"
    "|tries to|trying to|going to|gonna|will|would|might|could|can|did|keeps?|kept|started|starts|fucking|literally"
    "|physically|sexually|(got (mad|drunk|angry)|drinks|drank|snapped|lost (it|control)|yelled) and) ){0,4}"
)
_US = f"(me|us|{CHILD}|my (mom|mother|sister|brother))"
_FIRST = (
    "(to (it|that|work|the punch|the door|the office|the spot)|here|there|at (chess|tennis|golf|cards|pool|games?|it)"
    "|in (chess|tennis|a game|the game|a race))"
)
_BILLS = (
    "with (a|an|the|another|some|his|her|this) … (fee|bill|charge|question|news|email|text|invoice|cold|flu|assignment)"
)
_AGAIN = (
    "(again(?! (tomorrow|later|when|with|at|on|if|next))|last night|yesterday|(so|really) (hard|bad|much)"
    "|in (the|my) (face|head|stomach))"
)
_NOT = "(not|isnt|arent|dont|doesnt|never|no longer)"
_HOME = "(home|house|place|apartment|relationship|marriage)"
_HOUSE = "(house|home|apartment|room|bedroom|basement)"
_WEAPON = "(gun|pistol|rifle|knife|weapon|machete)(?! (show|range|safe|permit|license|collection|sharpener|set|rights))"
_MEANS = (
    "((want|wanted|need|like|going|plan|planning|ready|about|able|urge|urges|tempted|tell|tells|telling|told) (me)? "
    "(to|2)|wanna|gonna|imma|(feel|feeling|felt) like|(think|thinking|thought|thoughts) (of|about)|images of"
    "|i (will|might|could|would)|ill)"
)
_KILLS = r"(kill|stab|strangl|smother|suffocat|murder|hurt|chok|harm|punch|beat|hit|poison|rap|slap|shoot)\w*"
_DROPS = r"(drown|throw|drop|shak|burn|kick|bit|burying|bury|squeez)\w*"
_THEM = f"(him|her|them|people|someone|somebody|every ?one|every ?body|others|my ({FAMILY}|{OTHERS})|{CHILD})"
_HIT_THEM = "(hurt|hit|beat|slapped|smacked|shook|choked|strangled|punched|kicked|stabbed|burned|harmed|abused|bruised)"
_MINE = "(kids?|children|son|daughter|baby|family|life|mom|sister|friend)"

_DOES = (
    f"(hit|hits|hitting) {_US}(?! (up|back|{_BILLS}))",
    f"(beat|beats|beating|beaten) {_US}(?! {_FIRST})",
    "(lock|locks|locked|trap|traps|trapped) (me|us) (in|inside)(?! (for|at|on|to|with|the (app|call|waiting)))",
    f"(touch|touches|touched|touching) ({CHILD}|my (little|baby|step)? (sister|brother|niece|nephew|cousin))"
    "(?! (hand|with|base|up|stuff|things))",
    "(threw|throws|throwing|swung|swings|swinging|aimed|aims) (a|the|his|her|my) \\w+ at (me|us)",
    "(unresponsive|unconscious)(?! (to|by|bias))",
    "(following|followed|follows) (me|us)(?! (on|up|in))",
    "((came|comes|coming|shot|shooting|shoots|fired) at (me|us)|(blocking|blocks|blocked) (the|my) (door|exit))",
    rf"(slap|punch|chok|strangl|kick|stab|grop|smack|whip|attack|burn)\w* {_US}(?! (out|off|up))",
    f"(hurt|hurts|hurting) {_US}(?! feelings)",
    "(broke|breaks|breaking) my (arm|nose|jaw|rib|ribs|teeth|bones)",
    f"kill {_US}",
    r"(touch|touches|touched|touching) (me(?! (with|base|deeply))|my (private|breast|body)\w*)",
    f"(has|have|had|got|with|pulled|grabbed|holding|bought|brought) (a|the|his|her) {_WEAPON}",
)
"""What somebody does, for short: as phrases of their own they'd take twice as long to look for."""

ENGLISH = (
    # Done to somebody.
    f"{_WHO} {_MAY}({'|'.join(_DOES)})",
    # Whoever is in haste leaves out by whom.
    f"\\A{_MAY}(hits|hitting|beats|beating|hurts|hurting) (me|us)(?! (up|back|that|to))(?! {_FIRST})(?! {_BILLS})",
    rf"\A{_MAY}(hit|beat|hurt) (me|us)(?! {_FIRST}) (up)? {_AGAIN}",
    rf"\A{_MAY}(beat (me|us) up|touched (me|us) (again|last night|at night|when i slept))",
    rf"\A(wont|doesnt|does not|refuses to) let (me|us) (leave|out of) (the|my|this|our) {_HOUSE}",
    rf"\A{_MAY}(slap|slaps|slapped|punched|punches|choked|chokes|choking|kicked|kicks|groped|gropes|attacked|attacks)"
    f" (me|us)(?! (out|off|up))(?! {_BILLS})",
    "(tried|tries|trying|wants|threatened|going|gonna) (to)? (strangle|stab|choke|punch|slap|hit|beat|hurt) (me|us)"
    f"(?! (up|back|feelings))(?! {_FIRST})(?! {_BILLS})",
    "(hes|shes|he is|she is|dad is|dads) (hitting|beating|choking|strangling|hurting|attacking) (her|him|them)"
    "(?! (up|at|in))",
    "(strangles|strangled|strangling|stabs|stabed|stabing|suffocates|suffocated) (me|us)",
    "(puts?|lays|laid) (his|her|their) hands on (me|us)",
    r"(he|she|they|someone|husband|boyfriend|wife|dad|mom) (pushed|shoved) me\Z",
    r"forced me\Z",
    "snap and (hurt|kill|hit|stab|shoot)",
    r"voices … (say|says|saying|said|want) … (hurt|kill|harm|stab|shoot)\w*",
    "(telling|tell|tells) me to do (bad|terrible|awful) things",
    f"(hide|hiding|hid) from (him|her|them|my {FAMILY})",
    "(held|hold|holding|kept|keep|keeping) (me|us|her|him|here)? (hostage|captive|prisoner)",
    "against (my|our|her|his|their) will",
    f"my ({FAMILY}|child|kid|baby|teenager|teen) (is|s|went|has been|has gone) (still)? missing"
    "(?! (a|the|his|her|their|your|our|my|out|from|school|class|work))",
    "(run|ran|running) away from home",
    "(not|isnt|stopped|barely|quit|wasnt) breathing",
    "found (him|her|them|my \\w+) (unresponsive|unconscious|passed out|hanging|dead|bleeding)",
    "(is|hes|shes|im|are|think im|be) having (a|another) (heart attack|stroke|seizure)",
    "(locked|hiding|hid|trapped) (my self)? in (the|my|a) (bathroom|closet|bedroom|basement)",
    "cant breathe",
    "hands? (on|a round|round|at) my (neck|throat)",
    "(had|has|grab|grabs|grabbed|held|holds|pulled|pulls|dragged|drags) (me|us) by (the|my) (neck|throat|hair)",
    r"(grab|squeez)\w* my (neck|throat)",
    "(comes?|came|gets) (in|into) my (room|bed) at night",
    "left … bruises",
    "trafficked",
    r"(push|shov|slam|throw|drag)\w* me (down|against|around|into (a|the) wall|to the (floor|ground|wall))",
    "(threw|drags|dragged) me (down|against|across|into|by)",
    "(was|been|being|got|get|getting|am|im|gets) … (beaten|strangled|choked(?! up)|assaulted|abused|stabbed|groped)"
    "(?! (to it|by (traffic|the rain|the heat|the weather)))",
    "i (was|got|get|been|just got) (beat up|jumped)",
    "(raped|rapes|raping|rapist|rape (me|us)|molested|molests|molesting)",
    r"sexual(y)? (assault|abus|harass)\w*",
    r"abus\w* (me|us)",
    "(abusive|violent) (relationship|marriage|home|man|towards? me|with me|to me|husband|partner|boyfriend|wife)",
    rf"my {FAMILY} (is|was|has been|gets|got|became) (so|very|really|always)? (abusive|violent|aggressive)",
    "domestic (violence|abuse)(?! (case|court|hearing|class|classes|training|group|hotline))",
    "(forced|forces|forcing|force|made|makes|making) (me|us) … sex",
    "(forced|forces|forcing) (him|her|them) (self|selves) on",
    r"threaten\w* (me|us|my life|my family|with a|to (kill|hurt|shoot|stab|beat|rape|harm|burn|take my))",
    "(pulled|pulls|pointed|pointing|held) (a|the|his|her) (gun|knife|weapon) (on|to|at)",
    f"(he|she|they|my {FAMILY}) … (wont|not|doesnt|wouldnt|never|refuses to) let (me|us)"
    " (leave|out|see (anyone|anybody|my family))"
    "(?! (early|work|school|class|before|until|till|at|on|a (voicemail|message|note)|the (office|call|meeting)))",
    f"(locked|locks|locking|trapped|traps) (me|us) (in|inside|up)(?! (for|at)) … {_HOUSE}",
    r"(kid nap\w*|(stalks|stalking|stalked) (me|us)|being stalked|following me home)",
    f"(scared|afraid|terrified|frightened|fear|feared|fearing) (of|for) (him|her|my (life|safety|{FAMILY}))"
    "(?! (driving|cooking))",
    "(fear|fearing) for (my|our) (kids|children|baby|babies|lives)",
    f"{_NOT} (feel|feeling)? (very|really|that|so)? safe (here|at (my|our)? {_HOME}|in (my|our|this) (own)? {_HOME}"
    f"|where i live|(a round|near|with) (him|her|them|my {FAMILY}))(?! to (park|drive|walk|leave))",
    f"(home|my {_HOME}) (isnt|is not|doesnt feel|does not feel) … safe",
    "(scared|afraid|terrified) … (find me|come after me|of what (he|she|they) … do)",
    f"(here|outside|inside|door|house) (with|w) (a|the|his|her) ({_WEAPON}|bat|hammer|axe|crowbar)",
    "ex (is|s|husband|wife|boyfriend|girlfriend)? (is)? (outside|banging on|pounding on|in front of) (my|our|the)"
    " (house|door|job)",
    "(breaking|broke|break|trying to get|tried to get) (in|in to) (my|our) (house|home|apartment|room|bedroom)",
    "(scared|afraid|terrified) (to go|of going|to be|of being) (back)? home",
    f"(i am|im|i feel|we are|were|she is|shes|he is|hes|my {_MINE} (is|are)) (really|still)? in"
    " (real|serious|great|grave|immediate)? danger(?! of)",
    "((please|pls|someone|somebody|you|to) call (the police|the cops)|call (911|9 1 1|the police (pls|please|now)))",
    "(need|needs|send|get|want) (the|a|an)? (911|9 1 1|police|cops|ambulance|paramedics)(?! (report|record|clearance))",
    r"(\A(an)? emergency\Z|(have|having|got) (an|a medical) emergency\Z"
    r"(?![,.;] ((can|could) (i|we|you)|(i|we)? (need|have to|cant|wont|gotta|must|ill)))"
    r"|emergency (please|pls|help|call|now)|(its|this is|it is) (a|an) … emergency)"
    "(?! (contact|exit|room))",
    # To be done to somebody.
    rf"{_MEANS} (really|just|actually|fucking|hurt and)? {_KILLS} {_THEM}"
    "(?! (up|back|feelings|to|at|a|an|over|the|your|there|here|with (a|the|my) (text|email|question|call)))",
    rf"{_MEANS} (really|just|actually|fucking)? {_DROPS} {CHILD}"
    "(?! (a|an|off|at|by|to|with|some|shower|up|birthday|s))",
    f"{_MEANS} (run|running) (over {_THEM}|{_THEM} over)(?! (to|for|with|there|at|s))",
    "(tell|tells|telling) me to (kill|hurt|stab)",
    r"(feel like|want to|wanna|going to|gonna|urge to) (kill|killing)\Z",
    f"{_MEANS} (just|really)? (kill|murder|stab|hurt) (you|us)(?! (up|feelings))",
    "homicid(e|al)",
    "(burn|burning) (down)? (the|my|our|your|this)"
    " (house|home|place|apartment|building|school|clinic|office) (down|with)?",
    f"{_MEANS} (just|really)? (kill|shoot|stab|murder) (every one|every body|people|you all|them all)(?! (a|an))",
    "(kill|killing) (people|someone|somebody|them all)",
    r"shoot(ing)? up ((the|a|my|this) (school|office|place|church|mall|store|clinic|work\w*)|work|school)",
    "(blow up|bomb) (the|a|my|this) (school|office|place|church|mall|store|clinic|building|house)",
    f"i {_MAY}{_HIT_THEM} (him|her|them) (again|last night|so hard|really hard|in the face)",
    rf"i {_MAY}{_HIT_THEM} ({CHILD}|my (wife|husband|girlfriend|boyfriend|partner|mom|dad))"
    rf"(?! (up|out|feelings))(?! {_FIRST})",
)

_QUIEN = f"(el|ella|ellos|alguien|un (hombre|tipo|senor)|mi {FAMILIA}|(mi|el|la) {OTROS})"
_A_VECES = "((ya|siempre|a veces|tambien|otra vez|anoche|ayer|casi|hasta|todavia|borracho) )?"
_PEGA = "(pega|pego|pegan|pegaba|pegaron|pegado|pegando|pegar|golpea|golpeo|golpean|golpeaba|golpearon|golpeando)"
_ESTA = "((esta|estan|ha|han|va a|van a|quiere|quiso|trato de|vuelve a|volvio a|sigue|anda|estuvo) )?"
_GRIPE = (
    "(gripe|gripa|virus|resfriado|catarro|covid|tos|susto|infeccion|sol|luz|aire|frio|calor|lluvia|olor|hambre"
    "|sueno|ganas|horario|vestido|color|sus?|risa|puerta|carro|pelota|balon)"
)
_NO_GRIPE = f"(?! ((muy|bien|mucho|duro|fuerte) )?(el|la|los|las|un|una|su|con el|con la|de)? {_GRIPE})"
_A_QUIEN = f"(alguien|la gente|gente|personas|todos|otros|otras personas|mi ({FAMILIA}|{OTROS})|{HIJOS})"
_GANAS = (
    "(voy a|vamos a|quiero|quisiera|ganas de|(pienso|pensado|pensando|pense) en|planeo|capaz de|podria|ideas de"
    "|pensamientos de|impulsos? de|puedo)"
)

SPANISH = (
    # Done to somebody.
    rf"{_QUIEN} {_A_VECES}(me|nos) {_ESTA}{_PEGA}{_NO_GRIPE}",
    rf"(me|nos) {_ESTA}{_PEGA} (mucho|duro|siempre|otra vez|anoche|ayer)? (el|la|mi) ({FAMILIA}|{OTROS})",
    rf"(?<!\bse\s)(me|nos) (pega|pegan|pegaba|golpea|golpean|golpeaba|golpearon|(esta|estan) (pegando|golpeando))"
    rf"(?! ((duro|mucho|fuerte)? (el|la|los|las)|bien|muy|mas|mejor|este|esta|en el (pie|dedo)|{_GRIPE}))",
    rf"(me|nos) (volvio a|vuelve a|ha vuelto a) {_PEGA}{_NO_GRIPE}",
    "(me|nos) (quema|queman|quemaron) con (un|el|los|su|sus)? (cigarro|cigarros|cigarrillo|cigarrillos|encendedor)",
    "(me|nos) pego (anoche|ayer|otra vez|en la cara|con (un palo|el cinturon|el cinto|un cable|la mano|el puno))",
    r"(me|nos) … maltrat\w+(?! (el|la|los|las|mi|mis) (carro|coche|celular|paquete|pelo|piel|ropa))",
    r"abus(a|an|o|aba|aron|ando|ado|ar|en) (sexual mente)? de (mi|nosotr\w+)(?! (tiempo|confianza|paciencia))",
    "(me|nos) … abus(a|an|o|aba|aron|ando|ado|ar)",
    "(me|nos|la|lo) (han|ha|esta|quiere|quiso|trato de|intento|van a|va a)? viol(o|a|an|aba|aron|ando|ado|ar)"
    "(?! (la|los|mi|mis|el) (privacidad|derechos|cuenta|contrato))",
    r"(abus\w+|agresion|agredid[ao]|asalto|acoso|acosad[ao]) sexual(es|mente)?",
    f"(golpead|maltratad|agredid)[ao] por mi {FAMILIA}",
    "(abusad|violad)[ao]s? (anoche|ayer|otra vez|por)",
    "(fui|fue|sido|siendo) (abusad|violad|golpead|agredid|maltratad)[ao]",
    "(violador|violacion(?! (de|del|a)))",
    "(obliga|obligo|obligan|obligaron|forzo|fuerza|forza) a … (sexo|relaciones|acostarme)",
    rf"{_QUIEN} {_A_VECES}me (toca|toco|tocaba|ha tocado)(?! (a|al|el|la|ir|llevar|recoger|trabajar|cuidar|con|hoy))",
    r"(me|nos) … manose\w+",
    "(me|nos) (dio|dieron|da|dan|va a dar|pego|puso) un[ao]? (paliza|golpiza|cachetada|bofetada|madriza|punetazo)",
    rf"{_QUIEN} {_A_VECES}(me|nos|le|les) (hace|hizo|hacen|hicieron) (mucho)? dano",
    r"(me|nos) … amenaz\w+",
    "violencia (domestica|intra familiar|familiar|de genero|en (mi|la)? casa)(?! (caso|curso|taller))",
    r"(me|nos) … (estrangul|acuchill|apunal|agred|asfixi)\w+",
    r"no me dejan? salir(\Z| (de (la|mi)? casa|del (departamento|apartamento|bano|sotano|cuarto)"
    r"|sola|solo|de aqui|a ningun))",
    r"(me|nos) (tiene|tienen) … (encerrad|secuestrad|amenazad)\w+",
    "(me|nos) (encerro|encierra|secuestro|secuestraron)",
    rf"miedo (a|de)? mi {FAMILIA}",
    "(miedo (a|de)?|temo|temia|tememos) que (me|nos) … (pegue|golpee|haga|encuentre|lastime|ataque)(?! falta)",
    "(temo|temi|temia|tememos|miedo) por (mi|la|su|nuestra) (vida|seguridad)",
    f"(temo|temia|tememos) por {HIJOS}",
    "me haga dano(?! (el|la|los|las))",
    "(tiene|trae|traen|tienen|saco|apunto con) (una|un|la|el)? (pistola|arma|cuchillo|machete)",
    f"(estoy|estamos|siento|corro|corremos|vida (corre|esta)|{HIJOS} (corren?|estan?)) (en|mucho)? peligro(?! de)",
    "(llamen?|llama|manden?) (a)? (la policia|al 911|policia)(?! por (el|la|un|mi) (carro|coche|choque|ruido|robo))",
    "auxilio",
    "(necesito|necesitamos|manden|mande|ocupo) (a|un|una|el|la)? (911|policia|ambulancia|patrulla)",
    r"(\A(una)? emergencia\Z|(tengo|hay|tenemos) una emergencia\Z"
    r"(?![,.;] (podemos|podria|puedo|puede|necesito|tengo que|no puedo|hay que|voy a))"
    r"|emergencia (por favor|ayuda|llamen?|llamame|urgente)"
    "|es una (urgencia|emergencia))"
    "(?! (familiar|de trabajo|en el trabajo))",
    f"mi ({FAMILIA}|nino|nina|bebe) (no aparece|desaparecio|esta (desaparecid|perdid)[oa])",
    f"{_QUIEN} {_A_VECES}(entra|entro|entraba|se mete|se metio|viene) (a|en) mi (cuarto|cama|recamara|habitacion)"
    "(?! (a|para) (limpiar|despertarme))",
    f"{_QUIEN} {_A_VECES}(toca|toco|tocaba|esta tocando|ha tocado) a ({HIJOS}|mi (herman|prim|sobrin|niet)\\w+)",
    "(contra|en contra de) (mi|nuestra|su) voluntad",
    f"({_QUIEN}|{HIJOS}) (ya)? no (reacciona|despierta|responde)(?! (mis|los|el|la|a|al))",
    "(no (esta)? (respira|respirando)|dejo de respirar|inconsciente|se desmayo)",
    "(nos|te|los) ((quiere|quieren|va a|van a) matar|mate|maten|matara)(?! (el|la|de))",
    rf"(pega|pegan|golpea|golpean|golpeo|maltrata|amenaza|amenazo|golpeando|pegando|atacando|ahorcando)"
    rf" a (mi {FAMILIA}|{HIJOS}|los ninos|las ninas)",
    rf"(tocan|tocaron|manosean|manoseo) a {HIJOS}",
    "(me|nos) (agarr[ao]|agarraron) (a golpes|a patadas|del cuello|del pelo)",
    "(me|nos) (agarr[ao]|agarraron|apretar?on|apreto|apretaba|aprieta) el cuello",
    "manos (en|al|alrededor del) (el|la|mi)? (cuello|garganta)",
    "me (jala|jalo|jalaba) (el|del) pelo",
    "(me|nos) (puso|pone|saco|apunto|apunta) … (pistola|arma|cuchillo)",
    "(afuera|aqui|adentro|puerta) con (un|una) (cuchillo|pistola|arma|machete|bate|martillo|palo|tubo)",
    "mi ex (pareja)? esta (afuera|fuera|en la puerta) de mi (casa|trabajo|departamento)",
    f"{_QUIEN} se (metio|mete|esta metiendo|quiere meter|quiso meter) (a|en) (mi|la|nuestra) casa",
    rf"le (esta|estan) (pegando|golpeando){_NO_GRIPE}",
    f"{_QUIEN} {_A_VECES}le (pego|pega|golpeo|golpea|disparo) a (mi {FAMILIA}|{HIJOS})",
    "(me|nos) (avento|tiro|lanzo|arrojo|ataco) (con)? (un|una|el|la)"
    " (cuchillo|machete|botella|silla|plato|martillo|piedra)",
    "(me|nos) (empujo|empuja|avento|jalo) (por|de|contra|a|al) (las|la|el|una)? (escaleras?|pared|suelo|piso)",
    "(toca|toco|besa|beso|agarra|agarro) a la fuerza",
    "miedo … (volver|regresar|estar) (a|en) (la|mi)? casa",
    "(me|nos) (esta|estan|viene|vienen) siguiendo(?! (en|por))",
    "no … segur[ao]s? en (mi)? casa",
    r"no … (estoy|estamos|siento|sentimos) segur[ao]s? aqui(\Z| (con|en esta casa))",
    r"aqui no (estoy|estamos|me siento|nos sentimos) segur[ao]s?\Z",
    # To be done to somebody.
    rf"{_GANAS} (ahogar|asfixiar|sofocar|aventar|tirar|sacudir|quemar) (a|al) ({HIJOS}|la bebe|la nina|bebe|nino)"
    "(?! (la|el|una|un|al))",
    rf"{_GANAS} (matar|matarl[oae]s?|asesinar\w*|apunalar\w*|acuchillar\w*|estrangular\w*)",
    "(l[oae]s?|te) (voy a|vamos a|quiero|quisiera) (matar|asesinar|golpear|lastimar|apunalar|acuchillar)",
    "hacerl(e|es|os|as) dano",
    "homicid(a|as|io)",
    "(lastimar|golpear|herir|estrangular|asesinar|matar|mate|quemar|disparar|dispararle|pegar|pegarle|atropellar"
    f"|envenenar) a {_A_QUIEN}",
    "(voy|va|vamos|quiero|quiere|amenaza|amenazo|amenazan) (a|con)? quemar"
    " (la|mi|nuestra|su|esta) (casa|escuela|oficina)",
    "(disparar|balacear|masacre|tiroteo|balacera) … en (la|el|mi|su) (escuela|trabajo|iglesia|clinica|oficina)",
    rf"(pegue|pego|golpee|golpeo|lastime|lastimo|sacudi|queme|maltrato|mordi) a {HIJOS}",
)
