"""Phrases that may mean self-harm in English; Spanish: crisis_words_es.py; from or to others: violence_words.py.

How one is read: it's spelled rightly, but holds for whatever sounds alike (spelling.py); a blank may be missing;
`…` stands for up to three words. Otherwise they are regular expressions that match whole words.
"""

from services.notifications.domain.common_words import FAMILY, MEDICINES, OTHERS, YOUNG

_SELF = "(my self|mself|me self|(him|his|her|them|their|our|your) (self|selfs|selves))"
_OWN = "(my|his|her|their|our|your)"
_THEY = f"(he|hes|she|shes|they|theyre|((my|our|the) )?({FAMILY}|{OTHERS}|{YOUNG}))"
_SAYS = "(says?|said|saying|thinks?|thinking|thought|told (me|us)|believes?|convinced|feels?|feeling|swears?)"
_TO = "(to|ot|2)"
_SOON = (
    f"(((about|bout|abt|going|want|wants|wanted|need|like|ready|tried|trying|tempted|decided) {_TO})|bouta|finna|gonna"
    "|wanna)"
)
_WANT = "(want|wants|wanted|wanting|wanna|wana|wish|need|like|ready|going|gonna|imma|trying|plan|planning|hope|pray)"
_NOT = "(not|dont|doesnt|didnt|never|no longer|dnt)"
_CANT = "(cant|cannot|can not|couldnt|unable to)"
_GO_ON = "go on(?! (zoom|video|facetime|vacation|a call|a trip))"
_LIVE = f"(live|living|life|alive|exist|existing|{_GO_ON}|going on|keep going|be here|b here|being here|around)"
_ANYMORE = r"(any mor\w*|any longer|no more|no longer)"
_WEARY = "(tired|sick|done|quit|over|hate|bored|fed up|exhausted|through|finished|enough)"
_DAY = r"((mon|tue|wed|thu|fri|sat|sun)\w*|the|that|vacation)"
_WEEKDAYS = "((mon|tues|wednes|thurs|fri|satur|sun)days?|mornings)"
_SO = f"({_ANYMORE}|like this)(?! (on {_WEEKDAYS}|with (this|the|your) (app|website|site|portal|link|form)))"
_TAKE = (
    "(take|takes|took|taking|taken|eat|ate|eaten|pop|popped|popping|down|downed|chugged|finished|swallow|swallows"
    "|swallowed|swallowing)"
)
_MANY = (
    r"(all|every|everything|many|whole|entire|bunch|handful|handfuls|bottle|lot|lots|extra|rest|dozen|ten|twenty|thirty"
    r"|forty|fifty|sixty|hundred|\d+)"
)
_PILLS = f"(pill|pills|meds|medication|medications|medicine|medicines|tablets|capsules|cabinet|{MEDICINES})"
_AS_USUAL = "(this|in|at|before|with|every|for|daily|already|after|then|so|early|late|as|twice|once|each|when)"
_HARM = r"(harm|hurt|cut|burn|stab|starv|hit|punch|injur|hate|hating|scratch|slash|carv|mutilat)\w*"
_KILL = (
    r"((kil|kll|hang|hung|delet|shoot|shot|drown|chok|strangl|suffocat|smother|poison|gas|neck|rope|throw|threw)\w*"
    "|off(s|ed|ing)?|end(s|ed|ing)?)"
)
_KILL_SELF = (
    rf"{_KILL} {_SELF}(?! ((a|an) (party|text|video|email|message|photo|coffee|birthday)|in to (it|work|studying)"
    r"|in to \w+ (work|job|studies|project)))"
)
_CHANCE = (
    "(shaving|cooking|chopping|playing|skating|skiing|running|climbing|lifting|falling|working out|accidentally"
    "|by (accident|mistake)|(at|in) (the)? (practice|soccer|football|basketball|recess|gym|pe|game|park|playground)"
    "|on (the|a) (stove|oven|iron|ice|playground|trampoline|slide|door|table|court|field|curling iron|can|paper|bike))"
)
"""How somebody is hurt by mischance."""
_LIMB = "(wrist|wrists|vein|veins|throat|arm|arms|leg|legs|thigh|thighs|ankle|ankles)"
_OVER = r"(?<!\bit,please\s)(?<!\bwhen\sdoes\sit\s)(stop|end|over)"
_WHERE = "(to|driving|walking|parking|on|outside|coming|there|in)"
_HEIGHT = "(bridge|overpass|roof|rooftop|building|skyscraper|tower|window|cliff|balcony|ledge|railing)"
_HOLD = "(promise|guarantee|swear|contract)"
_GUN = "(gun|pistol|rifle|shotgun|revolver|handgun|glock|firearm)"
_SHOWN = "(show|range|safe|permit|license|collection|rights|control|violence|store|class|sharpener|set)"
_TRAFFIC = "(traffic|train|bus|truck|car|cars|subway|tracks|highway)"

ENGLISH = (
    # Said outright.
    r"sui cid(e|ed|es|ing|al\w*)?",
    r"sewer (slid|sid|cid)\w*",
    "sui thoughts",
    "si (is back|came back|again|thoughts|hi|with (a )?plan|and (a )?plan)",
    "(active|passive|increased|worsening|intense|constant|chronic) si",
    "should i … commit(?! to)",
    r"(im|i am|ill be) next\Z",
    "k m s(?! (away|from))",
    r"(soo|sew) ?i? ?sid(e|al)",
    f"hng {_SELF}",
    "k y s",
    "c t b",
    r"un aliv\w*",
    f"{_WANT} ({_TO}|o)? (die|{_KILL_SELF})",
    _KILL_SELF,
    f"(do|did|doing|done) {_SELF} in",
    "(kill me|shoot me(?! (a|an|over|the|your)))",
    f"{_WANT} … (be|get|got) killed",
    "(end me|rip me|rip to me)",
    "(end|ending|ended) (it|things|everything|all of it)",
    f"(end|ends|ending|ended) ({_OWN}|this|the) … (life|lives|pain|suffering)",
    f"(take|takes|taking|took|taken) {_OWN} (own)? (life|lives)(?! (savings|insurance|story))",
    "(something|someone|somebody) (kills|shoots|hits|would kill|would shoot) me",
    "(tell|tells|telling) me to (jump|die|hurt|cut|do it)",
    # Death.
    "(die|dieing)",
    f"({_TO}|wanna) dye(?! (my|it|the))",
    "(if|when|wish|should have|shouldve|shoulda) (i|id|i had)? died",
    "(dead|ded)",
    "dying",
    "death",
    "(my|own) funeral",
    "(after|next) life",
    "in (heaven|hell)",
    "other side",
    "my maker",
    "(see|meet|join) (god|jesus)",
    r"join my (dad|mom|son|daughter|brother|sister|husband|wife)\Z",
    # Not to live.
    f"({_NOT} (feel)? ({_WANT}|deserve|see|care if i)|(know|idk|sure) if i want) … {_LIVE}",
    f"({_NOT}|{_CANT}|wont|idw) … (live|living|survive)"
    "(?! (the|this|that) (traffic|meeting|heat|commute|class|boredom))",
    f"{_NOT} {_WANT} … (be in|be on) this",
    f"{_NOT} {_WANT} … this {_ANYMORE}",
    f"{_WANT} … not … (be|exist)",
    "(think|thinking|thoughts|easier|better) … not (being here|be here|existing)",
    "(stop|quit|just not|wasnt|werent|didnt) (existing|exist|breathing|living(?! (in|at|with|on|near)))",
    r"alive\w*",
    "keep living",
    "wish i … (born|here|exist)",
    "(why was i|been|being|never) born",
    "(never|not|dont|wont) … wake up",
    "(doesnt|didnt) want to wake up",
    "wish (i|he|she|they) (didnt|dont|hadnt|wouldnt|never|wont) … (wake|woke|woken)(?! (up)? (so)? (early|late|at))",
    "(sleep|rest) for ever",
    "(sleep|asleep) and (not|never) (come back|get up|be here)",
    "(god|lord|jesus) … take (me|him|her)(?! (to|there|home))",
    "ready to rest",
    "(see|face) (another day|tomorrow)",
    f"({_WANT}|should) … (disappear|vanish|fade away|cease)",
    f"{_WANT} {_TO} be gone",
    "(leave|leaving|off|off of|out of|remove me from|removed from|gone from|done with) this (world|life|earth|planet)",
    "belong … this world",
    "(out|unsubscribe) (of|from) life",
    f"{_WEARY} … {_LIVE}",
    f"(give|gives|giving|gave|given) up … {_LIVE}",
    "bother living",
    "let go of (life|everything)",
    "(will|strength) to (live|go on|keep going)",
    # No sense, no hope.
    f"(no|any|the|see a|without) (point|reason|purpose|meaning)(?! of (the|entry|contact)) … ({_LIVE}|{_ANYMORE})",
    "(nothing|anything) … to live",
    "nothing (left|matters)",
    f"worth it {_ANYMORE}",
    "((life|have|got) … no (meaning|purpose)|life … no (value|worth|point))",
    r"(no|any|a|one) (reason|point|purpose) … (stick|sticking|stay|staying) (around|alive|here)\Z",
    "life … (worth|pointless|meaningless|hopeless|unbearable|hard|over)",
    "(im|am|feel|feeling|feels|everything|its all) … (pointless|meaningless|worthless|useless|hopeless)",
    "no (way out|way forward|hope|future|escape|fight left|more fight)",
    "(lost|losing) (all|my|the)? hope",
    "(cant|dont|not) see … (future|way forward|way out(?! of))",
    f"(cant|dont|not|never) see {_SELF} … making it",
    "dark (place|thoughts)",
    "end of my rope",
    f"{_CANT} (do|handle|face|cope with) (life|living|the world)(?! drawing)",
    "breaking point",
    "(in|a|the|this|having|health|emotional|total|real) crisis(?! (averted|management|training|class|at work))",
    "crisis (please|pls|help|call|now|line|hotline|mode|team)",
    # No strength.
    f"{_CANT} go on(?! {_DAY})",
    f"{_CANT} (do|take|handle|bear|stand|fight|live|cope)? (this|it|life|the pain|this pain)? {_SO}",
    f"{_CANT} (keep (going|living|doing)|hold on|(be here|exist) {_ANYMORE})",
    "(think|sure|if) i can … (go on|keep going)",
    "how much (longer|more) i can(?! (park|drive|pay))",
    "want out(?! of (the|this) (text|list|plan))",
    r"(give|giving|gave|given) up(\Z| on (everything|myself))",
    r"\A(i am|im) (so)? done\Z",
    "(done|tired of|lost my) (fight|fighting)",
    rf"(want|need|needs|wish|get) … (it|this|everything|all|pain) … {_OVER}(?! (sending|texting|messaging))",
    "pain … (stop|end)",
    "(want|wish|need) (the|this|my|all|all of|all the) … (pain|hurt|hurting) … (go away|gone|be over)",
    "make … (it all|everything|voices) stop",
    "make it stop(?! (sending|texting|messaging|mailing|ringing|beeping))",
    "misery",
    "(wont|not … (to|gonna)|cant) make it (through|past|another|to (tomorrow|morning|the morning|my next birthday))"
    "(?! (the|this) (traffic|snow|rain|door|gate|storm))",
    f"(dont|doesnt|no longer|not) have it in (me|him|her|them) ({_ANYMORE}|to (keep|go|fight|live|continue|carry))",
    "dont think ill make it",
    # To others.
    "burden",
    "(better|happier|world|place|easier|fine) … (without me|w o me)",
    f"{_SAYS} … (wed|id|theyd|we|i|they|everyone|everybody|world|family|kids|life|people) … (better|happier|easier)"
    " … without (him|her|them)",
    "(better|easier|happier) … (if|when) (i|im) … (gone|wasnt|werent)",
    f"{_SAYS} … (better|easier|happier) … (if|when) (he|hes|she|shes|they|theyre) … (gone|wasnt|werent)",
    "(no one|nobody|anyone|anybody) … (miss me|notice if|care if|cares if|needs me)",
    f"{_SAYS} … (no one|nobody) … (miss|misses|need|needs|love|loves|want|wants|care about|cares about) (him|her|them)",
    "(do|doing) (every one|every body|the world|my family|my kids|my husband|my wife|you all|people) a favor",
    "deserve … better (than me|mom|mother|dad|father)",
    "world … need me",
    # Leave.
    "gd bye",
    "checking out for good",
    "by the time you (read|see|get|hear) this",
    "(find|found) my body",
    "(no one|nobody) will (ever)? find me",
    "(gave|giving|give) away my (dog|cat|pets|things|clothes)",
    "hope (this|it|that) kills me",
    "(something|a thing) i cant (take back|undo)",
    "(every ?one|every ?body) hates me",
    "(good bye|good by|farewell) (forever|world|cruel|everyone|everybody|all)",
    "(good bye|bye|(good)? night) (forever|for good)",
    "(this is|said|love|loved|sorry) … good bye",
    "(wrote|written|writing|leaving) … (my note|(good byes?))",
    "letters (to|for) (every one|each|my|loved)",
    "letter (to|for) (my (kids|children|babies|family)|whoever)",
    "(wrote|written|writing|finished) (the|my) (last)? note(?! (for|to|from))",
    "good bye (note|letter|text|message|video)",
    r"(texted|sent|send|wrote|called|texting|sending|saying) … good bye(\Z| and)",
    f"left (a|his|her|their|the|this) note(?! (at|on|with|for)) … (missing|gone|{_THEY})",
    "made (my)? peace (with (it|this|god|dying|everyone|going|leaving))?(?! with)",
    "(is|will be|might be|may be|could be|its) … last time (you|i|ill|we|well|youll) … (hear|see|text|talk|write|speak)"
    "(?! … (before|until|till))",
    "(never|dont think … |wont be) coming (home|back)(?! (to|until|till|for|on|this|before|at|early|from))",
    "tell my … (love|loved|sorry|tried)",
    "(forgive me|sorry for everything)",
    "(gave|giving|give) … away … (stuff|things|everything)",
    f"(gave|giving|gives|given) (all)? {_OWN} (stuff|things|clothes|belongings|possessions|jewelry|pets|dog|cat) away",
    "saying bye to (people|every one|every body|us|all)",
    "when (you|im|i am) … gone",
    "(ill be|im already) gone(?! (on|for|from|until|till|next|all|this|that|the))",
    "tomorrow … wont be here",
    "wont see me",
    "why am i … here",
    "(end|over|this is it) for me",
    "my time is up",
    "(time to end|ending) (this|it|tonight)",
    f"wont be (here|around) (tomorrow|much longer|long|{_ANYMORE})",
    f"(worry about|deal with) me ({_ANYMORE}|after|again)",
    "(never|wont|not) … (see|hear from) me again",
    "(we|wed|id|youd|well|youll) never … (see|hear from) (him|her|them) again",
    "dont … (look for me|stop me)",
    "is my last",
    "(is|be|its) (his|her|their|our) last (night|day|birthday|christmas)(?! (of|at|in|on|with|before))",
    "last day on",
    "my time to go",
    "(tonight (is|s) the night|over tonight)",
    "my will is",
    "(going to|gonna) do it tonight",
    r"(im|am|is|hes|shes|they are) about to do it\Z",
    r"help … (going to|gonna) do it\Z",
    "(nobody|no one|nothing) can (help|save|stop) (me|him|her)",
    "too late (for me|to (help|save) (me|him|her))(?! to)",
    # To hurt oneself.
    f"{_HARM} {_SELF}(?! {_CHANCE})",
    f"(cutting|hurting|harming) {_SELF}",
    f"{_THEY} ((is|was|has been|been|keeps|started)? (cuts|cutting)"
    r"(\Z| (again|at night|at school|now|for|because|when))|(just|has|have|almost|nearly|might)? (od|ods|oded|oding))",
    r"self (harm|injur|mutilat|delet)\w*",
    "(sh (again|urges?)|(relapse|relapsed) (on|with|into) sh|(i|ive) shd)",
    f"something … to {_SELF}",
    "(something (stupid|drastic|desperate)|do something (bad|terrible|awful|horrible|rash))",
    f"(safe (with|by|around|from)|danger to|scared of|trust|trusted with) {_SELF}",
    "(scared|afraid) … might do",
    rf"((i am|im|he is|hes|she is|shes) not|(dont|doesnt|not) (feel|feeling)) (very|really|so)? safe(?! {_WHERE})",
    f"{_CANT} (keep (me|{_SELF}) safe|stay safe|be alone)",
    f"({_CANT}|wont|not) {_HOLD} … (safe|safety)",
    f"({_CANT}|wont|not) {_HOLD} (you)? (that)? i wont (do|act|try|jump)(?! my)",
    "(shouldnt|should not) be (left)? alone",
    "unsafe",
    f"(cut|cuts|cutting|slit|slits|slitting|slash|slashed|slashing|slice|slices|sliced|slicing|carve|carved|carving"
    f"|scratching) … {_LIMB}",
    f"(scratch|scratches|scratched|clawed|clawing) (at|up)? {_OWN} (own)? (wrist|wrists|skin|thighs)",
    f"(cut|cuts|cutting|slice|sliced|slicing|carved|carving) (up|on|into|all over|across|in)? {_OWN} (own)?"
    " (stomach|belly|skin|hip|hips|chest|body)",
    r"(cut (too)? (deep|again|so bad)|(i|relapsed and) cut (last night|tonight|today|yesterday)?\Z)",
    r"(want to|wanna|need to|gonna|going to) cut (so bad|again|tonight)?\Z",
    "(been|started|back to|keep|keeps|kept|relapsed|stop|stopped|quit) (with)? cutting"
    "(?! (hair|grass|back|it|out|off|me off|down|in|coupons|wood|my hair|the (grass|lawn)))",
    "cutting (is|helps|feels|again|every)",
    "(urge|urges|tempted) to (cut|jump)",
    "(bleed|bled|bleeding)",
    f"(burn|burned|burning|burnt) {_OWN} (own)? (arm|arms|leg|legs|wrist|wrists|thigh|thighs|skin)(?! {_CHANCE})",
    f"(set|sets|light|lit) {_SELF} on fire",
    f"(bang|banging|bangs|banged|bash|bashing|slam|slamming|smashing|hitting) {_OWN} (own)? head"
    " (on|into|against|so|until)"
    "(?! (a|the|my)? (wall|desk) (over|with|trying|about))",
    "blades?(?! of)",
    "on purpose",
    # How.
    "noose",
    f"(rope|belt|cord|sheet|knot|wire|cable|leash) … (a round|round|on) {_OWN} neck",
    f"(tied|tying|tie|tightened|tightening) … (a round|round) {_OWN} neck",
    f"bag over {_OWN} head",
    f"{_SOON} hang(?! (out|up|on|around|the|a|with|my (coat|pictures)))",
    "(tied|have|got|bought|with|found) (a|the|my) rope",
    "(bought|ordered|getting|got) (some)? rope(?! (course|for))",
    rf"(jump|jumps|jumping|jumped|leap|leaped|leapt|throw|threw|hurl|hurled|fling|dive|dove)"
    rf" … (off|from|out) … ({_HEIGHT}|parking \w+)",
    f"(step|stepping|walk|walking|roll|rolling|fall) off (a|the|my|this) (edge|{_HEIGHT})",
    f"(yeeting|(gonna|going to|wanna|want to|imma|about to) yeet) ({_SELF}|off)",
    "jump off a",
    f"({_SOON} (jump|crash)|almost jumped|nearly jumped|came close to jumping)"
    "(?! (on|in|into|over|back|for|to|off|out|at|when|through|rope))",
    rf"({_SOON} … |just … )let go(\Z| of (it|the (railing|rail|ledge|edge|rope|wheel))\Z)",
    f"(standing on|on top of|on) (a|the) (ledge|{_HEIGHT} about)",
    f"(standing on|on top of) (a|the) {_HEIGHT}",
    r"(?<!\bparked\s)on top of (a|the|this) (parking)? (garage|structure|deck|ramp)(\Z| (and|rn|looking|thinking))",
    f"((bridge|balcony|roof|overpass) (railing|rail|ledge|edge)|(climbed|climbing) (on|on to|over) (a|the) {_HEIGHT})",
    f"(edge|ledge) of (a|the|this|my) ({_HEIGHT}|parking (garage|structure|deck|ramp)|platform|garage)",
    r"(im|i am|standing|sitting) (up)? (on|at) (a|the|my) (roof|rooftop|edge|railing)\Z",
    f"(jump|jumping|stepping|step|run) … (front|under) … {_TRAFFIC}",
    "(lie|lay|lying) … tracks",
    "(standing|sitting|waiting|laying|im|walking) on (the)? (train|railroad|rail|subway)? tracks",
    "garage … (car|engine) (running|on)",
    "car (with|and) the garage … (closed|shut|down)",
    "(hose|tube) … (exhaust|tail pipe|muffler)",
    "(breathe|breathing|inhale|inhaling) (in)? … (exhaust|fumes|gas)",
    "(walk|walking|walks|walked|run|ran|step|stepped) (in|into|out) … traffic",
    "(walk|walking|wade|wading|swim|swimming) (in|into|out to|out into) (the|a) (ocean|sea|river|lake|waves)"
    "(?! (house|view|front|room))",
    "(drive|drives|driving|crash|crashing|swerve|swerving|steer|steering|veer) … (into|off)"
    " (a|the|my|this|an) (wall|tree|cliff|bridge|river|pole|road|median|divider|barrier|guard rail|truck|lake|ocean)",
    "on coming traffic",
    "about crashing",
    "(think|thinking|thought|thoughts) (of|about) (jumping|hanging|drowning)(?! (on|in|into|over|back|out|up|by))",
    "(truck|car|bus|train) (hit|hits|would hit) me",
    f"{_WANT} … (get|got|be|getting) (hit|struck) by",
    f"{_WANT} {_TO} … drown(?! (in (work|paper\\w*|email\\w*|coffee)|it|out|the|my|them|him|her))",
    "(get|be) run over",
    "(pull|pulling|pulled|(finger|hand) (is)? on) (the|that) trigger",
    f"{_SELF} (hanging|dangling|jumping|bleeding)(?! (out|up|on|in to|around))",
    "(belt|rope|sheet) (is)? (set up|hanging|ready)(?! for)",
    f"(writing|texting) (this|you) (from|on) (the|a) {_HEIGHT}",
    f"{_HEIGHT} and (he|she|they|it)? (wont|refuses|refusing|not) … (come|get|coming) down",
    f"put (the|that|his|her) ({_GUN}|knife) down",
    "plan and (the|a|has|have)? (means|intent|method|date|note)",
    "(going|driving|heading|walking) to the (bridge|cliff|tracks)(?! (street|office|exit))",
    f"(stop|stops|keep|keeps|kept) (hitting|punching) {_OWN} (head|face)",
    r"(have|has|got|made) a plan\Z",
    f"(brains out|(blow|blowing|blew) {_OWN} (head|face) off)",
    f"(load|loaded|loading) … {_GUN}",
    f"{_GUN} … (is|s)? (loaded|next to me|beside me|in front of me|in my (lap|hand|mouth|car)|on the (table|bed))",
    f"(bring|bringing|take|taking) ({_OWN}|a|the) ((mom|dad|brother|uncle|grandpa|parent)s?)? ({_GUN}|knife)"
    " to (work|school|the|my|class|church)",
    f"({_GUN}|bullet|barrel|muzzle|knife|blade|razor) (is)? (to|in|inside|through|at|against) {_OWN}"
    "(?! (bag|pocket|show))",
    f"(have|has|had|got|bought|hold|holding|holds|grabbed) ({_OWN}|a|the) ({_GUN}|razor|knife)(?! {_SHOWN})",
    f"(use|using|grab|grabbing|get|getting|about|reach for|reaching for|find|finding) {_OWN} ((mom|dad|husband)s)?"
    f" {_GUN}(?! {_SHOWN})",
    f"with (a|the|{_OWN}) ({_GUN}|noose|razor)(?! {_SHOWN})",
    r"(overdos|overdoz)\w*",
    "(i|ill|ive|to|gonna|imma|im|just|almost|might) (od|oded)",
    "(ive odd|(od|odd) (tonight|last night|again|yesterday))",
    "oding",
    f"{_TAKE} … {_MANY} … {_PILLS}",
    f"{_TAKE} … (whole|entire|full) (bottle|pack|box)(?! of (water|juice|soda|milk))",
    f"{_TAKE} (my|the|these|some|those|a)? (sleeping)? (pills|fistful)(?! {_AS_USUAL})",
    f"(took|taken|swallowed) (his|her|their|all|all the) (sleeping)? pills(?! {_AS_USUAL})",
    rf"(think|thinks|afraid|worried|sure) {_THEY} … (took|taken|swallowed) (something|stuff|too|it all)",
    "(took|drank|swallowed) … (bottle|handful) of",
    "swallowed … (bunch|batteries|battery|glass|magnets|razor|coins)",
    "(took|take|taken) (way)? too (much|many)(?! (of your)? time)",
    "swallowed (something|all of them)",
    f"(stockpiling|stockpiled|hoarding|hoarded|saving|saved|collecting|stashing|stashed) … {_PILLS}",
    f"(counted|counting|lined|lining|laid|poured|pouring|dumped) (up|out) … {_PILLS}",
    f"(poured|dumped|spread|laid|counted) … {_PILLS} … (out|on the)",
    "((swallow|swallowed|swallowing) (them|it all|all)"
    "|(take|took|taken|taking) (them all|all of them)(?! (to|out|for|with|in)))",
    rf"(?<!\bnot\s)(?<!\bdont\s)(have|got|saved) enough (of)? (my|these|the)? {_PILLS}"
    "(?! (for|until|till|left|through|this|before|at|to last|to get))",
    "(staring|looking|stare|gazing|sitting here|sitting) (at|with|next to) (the|my|a|this|these|all|all my|his|her)"
    " (full)? (pills|bottle|meds|gun|knife|rope|razor|noose|ledge|tracks)(?! (list|refill|of water|cap))",
    f"holding (the|a|this|my|all) … ({_PILLS}|bottle|rope|noose)(?! (of (water|wine|juice|milk)|for))",
    f"bottle of … {_PILLS} (and|with|next|here|right|beside|in (front|my))",
    f"{_TAKE} {_MANY} of (my|his|her|the|our) … {_PILLS}",
    f"{_TAKE} … {_PILLS} … all of (it|them)",
    f"(took|taken|swallowed|stole) … {_OWN} ({FAMILY}|grandma|grandpa|parent|roommate)s {_PILLS}",
    "(have|got) … pills (ready|lined up|next to me|in front of me)(?! (for|at))",
    "pills (and|n|with|w) (vodka|alcohol|whiskey|wine|beer|liquor)",
    f"(pills|meds|tablets|bottle|rope|razor|knife) (is|are)? in {_OWN} hand",
    "(drank|drink|drinks|drinking|swallowed|swallowing|chugged) … (bleach|antifreeze|drain|drano|cleaner|lysol|windex"
    "|ammonia|lye|gasoline|detergent|pesticide|rubbing alcohol|chemicals|acid|paint thinner)",
    "poison",
    "carbon monoxide",
    "toaster bath",
    "catch the bus tonight",
    "(attempted (last|again|twice|yesterday|tonight)|sui attempt|another attempt|failed attempt|attempt survivor)",
    "(wish|hope|hoped|wished) … (attempt|overdose|pills|rope) … (work|worked|succeeded|killed|successful)",
    f"({_OWN} (last|first|second|third|latest|previous)|survived {_OWN}|survived an) attempt(?! (to|at))",
    "painless … (way|ways|method|methods|exit|to go)",
    f"(locked|barricaded|locks|locking) {_SELF} in (the|{_OWN}) … (room|bathroom|bedroom|garage|basement|car|closet)",
)
