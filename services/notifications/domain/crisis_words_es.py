"""Phrases that may mean self-harm in Spanish, read as those of crisis_words.py."""

_QUIERO = "(quiero|quisiera|deseo)"
_VIVIR = "(vivir|viviendo|existir|vida|estar viva|estar vivo)"
_HARTO = "(cansado|cansada|canse|harto|harta|odio|asco)"
_HACER = "(hacer|acer|hacerme|acerme|hare|haria|hago|ago|hice|ice|hise|ise|haciendo|haciendome)"
_CAER = (
    "(tirar|tirarme|me tiro|me tire|tirare|tiraria|aventar|aventarme|me aviento|me avente|me aviente|aventare|aventaria"
    "|lanzar|me lanzo|lanzare|lanzaria|arrojar|arrojarme|me arrojo|me arroje|saltar|saltare|saltaria|echar|me echo al)"
)
_ALTURA = (
    "(puente|ventana|azotea|edificio|techo|balcon|torre|acantilado|barranco|precipicio|cornisa|vacio|segundo piso)"
)
_ALTO = f"({_ALTURA}|tren|metro|vias|carro|camion)"
_TODAS = (
    r"(todas|todo (el|un) (frasco|bote)|(el|un) (frasco|bote|monton)|la botella|muchas|demasiadas|veinte|treinta"
    r"|cuarenta|cincuenta|cien|\d\d+)"
)
_CINTO = "(soga|cuerda|cinturon|cinto|lazo|sabana)"
_INVITA = (
    "(cafe|cafecito|taco|tacos|cerveza|chela|refresco|comida|cena|lonche|almuerzo|desayuno|presion|azucar|glucosa)"
)
_MUCHAS = r"(todas|muchas|monton|frasco|bote|botella|demasiadas|veinte|treinta|cuarenta|\d+)"

SPANISH = (
    # Said outright.
    r"suicid(io|ios|a|as|o|arme|arse|ar|ando|andome|arnos)",
    "(matarme|matarse|matame|mateme|matenme)",
    "(me|se|m) … matar",
    "me (mate|mato)",
    "quit(ar|arme|arse|o|e|are|aria|ado) la vida",
    "(acabar|terminar|acabo|termino|acabare|acabaria|terminare|terminaria) … con … (todo|vida|esto|dolor|sufrimiento)",
    "acabar de una vez",
    "(poner|ponerle|pongo|puse|pondre|pondria) fin(?! de semana)",
    "voces",
    # Death.
    "(morir|morirme|morirse)",
    "(me)? quiero (mori|morir|matar)",
    "(muero|muera|muriera|muriendo|muerto|muerta)",
    "muerte",
    "(de|a|en) este mundo",
    "(otra vida|en el otro lado(?! de))",
    r"para siempre(?! agradecid\w+)",
    "(en el|al) cielo",
    "con diosito",
    "(ir|irme|me voy|estar|reunirme) (ya)? con dios",
    r"reunirme con mi (papa|mama|hijo|hija|hermano|hermana|esposo|esposa|abuela|abuelo)\Z",
    "mi funeral",
    r"(dios|diosito) … llev\w+",
    "(llevame|me lleve dios)",
    "descansar (de|en paz)",
    "(ya es|llego) mi hora",
    # Not to live.
    f"(no|sin|ni|dejar de|ganas de) … {_VIVIR}",
    "por que (vivir|luchar|naci)",
    "(no|nunca) … (nacido|nacer)",
    "que (naci|sigo (vivo|viva|aqui))",
    "no deberia (estar aqui|vivir|existir)",
    "(no|nunca|jamas|ojala) … (despertar|despertarme|despierte|despertara|amanecer|amanezca|amaneciera)",
    "dejar de respirar",
    "(desaparecer|desaparecere|desaparezco|desapareciera)",
    f"no {_QUIERO} … aqui",
    f"no {_QUIERO} … asi",
    "ya no quiero nada",
    "ver (otro dia|el manana)",
    "ya no (estare|voy a estar)",
    "existiera",
    # No sense, no hope.
    "(vida|vivir) … (no vale|no tiene|no merece)",
    "no vale … mi vida",
    "para que … (vivir|viviendo)",
    "vivir es",
    "(sentido|caso) … (vida|vivir|seguir|nada)",
    "mi vida es",
    "(todo|vida) se (acaba|acabo)",
    "se (acaba|acabo) todo",
    "ya no hay nada",
    "(no hay|no tengo|no le veo|no veo|no encuentro|sin) (la)? salida(?! (del|de la|hasta|a las))",
    "(no|sin|ni|perdido) … (esperanza|futuro)",
    "en crisis",
    "toque fondo",
    "(malos pensamientos|pensamientos malos)",
    # No strength.
    "ya no (lo|la)? (aguanto|soporto)",
    "no (lo|la)? (aguanto|soporto) mas",
    "no doy (para)? mas",
    "no … aguantar mas",
    "cuanto mas (voy|pueda|puedo)",
    r"no puedo mas(?! (tarde|temprano|pronto|a las \d+|los (lunes|martes|miercoles|jueves|viernes|sabados|domingos)))",
    "no … seguir(?! (esperando|recibiendo|pagando|yendo|viniendo|con la|con las|con el|con los|en la))",
    "ganas de seguir",
    r"(\A|simplemente )ya no puedo\Z",
    "siento que … no puedo",
    "ya no puedo con",
    "al limite",
    "no … fuerzas",
    "me odio",
    "no me quedan (ganas|razones)",
    "(me rindo|me rendi|rendirme|me … rendir)",
    "no quiero luchar",
    f"{_HARTO} … {_VIVIR}",
    f"{_HARTO} de (todo|luchar)",
    "(no quiero|dejar de) sufrir",
    rf"({_QUIERO}|desearia|ojala|necesito) que … (acab\w+|termine|pare)",
    # To others.
    "sin mi … (mejor|felices)",
    "(mejor|felices) … sin mi",
    "mejor si (yo)? no (estuviera|estoy)",
    r"nadie … (extranar|extrana|notaria|importo|le importa|necesita|llorar)",
    r"extranaria\w*",
    "soy … (carga|problema|molestia)",
    "estorbo",
    "mundo no me",
    "no … hago falta",
    "no (valgo|sirvo)",
    # Leave.
    "(me despido|mi despedida|carta de despedida|despidanme|despideme)",
    "adios (mundo|a todos)",
    "(los|las|te|les) (amo|quiero) … adios",
    "adios … (los|las|te) (amo|quiero)",
    "hasta nunca",
    "deje … carta",
    "que (los|lo|la|las) (amo|quiero)(?! (felicitar|saludar|invitar))",
    "cuando … esto … (ido|no voy)",
    "cuando (yo)? no este",
    r"perdon\w* por (todo|lo que)",
    "no … (volver a ver|saber de mi)",
    "ultimo (mensaje|dia)(?! (de|del) (trabajo|escuela|clases|vacaciones|mes|curso))",
    "no me veran",
    "(es|llego) el (fin|final)(?! (de|del))",
    "acabo para mi",
    "(voy a hacer|hare) esta noche",
    "me detenga",
    "nadie me salve",
    # To hurt oneself.
    f"{_HACER} dano",
    "(hacerme|me … hacer) algo",
    "me (hago|hare|haria) algo(?! (de|para|en|con|a))",
    "no (puedo|voy a)? (prometo|prometer|prometerte|prometerle|garantizo|garantizar) … (a salvo|estar bien|haga nada)",
    f"{_HACER} (cortes|cortadas)",
    r"auto lesion\w*",
    "(herirme|me hiero|me heri|golpearme|quemarme|me golpeo|me quemo|me … golpear|me pego contra)",
    r"(lastimarme|lastimandome|cortandome)",
    "me … (lastimar|lastimare|lastimaria|lastime|lastimo|lastimado|lastimando)(?! (la|el|los|las|un|una))",
    "cortarme(?! (el pelo|las unas|el cabello))",
    r"(?<!\bse\s)me … (corte|corto|cortar|cortare|cortaria|cortando)"
    r"(?! (el pelo|las unas|el cabello|la llamada|la mano|el dedo))",
    "venas",
    "(rajarme|me … rajar|me (rajo|raje|rajare|rajaria) … (brazos?|munecas?|piernas?|cuello))",
    "(desangrarme|me desangro|me … desangrar)",
    "(navaja|cuchillo en)",
    "miedo … (mi misma|mi mismo|lo que pueda)",
    "no confio en mi",
    "no … (a salvo|segura sola|seguro solo|conmigo)",
    # How.
    r"(ahorcar\w*|orcar\w*|(me|se) (ahorco|ahorque|ahorca)(?! (el|la|los|las)))",
    "(me|se) … colgar(?! (el|la))",
    r"(colgarme|me cuelgo(?! (el|la))|me (colgare|colgaria)(?! (el|la))|(?<!\bno\s)me cuelgue(?! (el|la|en|si)))",
    "me colgue de (un|una|el|la)",
    f"{_CINTO} … cuello",
    "(da|dar|darme|pegar|pegarme|meter) … (tiro|balazo)",
    "me (doy|di|daria|dare|pego|pegue|pegare|pegaria|meto|meti|metere|meteria|meta) un (tiro|balazo)",
    "(balazo|tiro) en la cabeza",
    "(volar|volarme|volare|volaria|me vuelo|me vuele) … (cabeza|sesos)",
    "(dispararme|me … disparar)",
    rf"(?<!\bse\s)me (disparo|dispare|disparare|dispararia|dispararon|disparaba)(?! (un|una|el|la|los|las) {_INVITA})",
    "(tengo|compre|cargue) … (pistola|arma|cuerda|soga)",
    f"{_CAER} … {_ALTO}",
    f"(me lance|me eche|salto|salte|brinco|brinque|brincar|brincarme) (de|del|desde|por) … {_ALTURA}",
    "(ahogarme|me (quiero|voy a|quisiera|podria|pienso) ahogar|me ahogo en (la|el) (tina|rio|mar|banera|alberca|lago))"
    r"(?! (en|de|con) (trabajo|tareas?|deudas?|risa|un vaso))",
    "(prenderme|me prendo|me … prender) fuego",
    "(voy a|a punto de) saltar(?! (una|la))",
    "(pensando|pienso|pensado|pense|ganas|quiero|voy) (en|de|a)? (lanzarme|tirarme|aventarme)(?! (a|al|en|con|por))",
    "(parado|parada) en el puente",
    "(chocar|choco (mi|el) (carro|coche)|estrellar|estrellarme|me estrello) … (contra|proposito)",
    "(quiero|voy a|ganas de|pienso) (estrellarme|estrellar (mi|el) (carro|coche))",
    "gatillo",
    r"(estoy|parado|parada) en (la azotea|el techo|la cornisa|el borde)(\Z| y)",
    "(atropelle|atropellen|me maten|caiga un rayo)",
    r"(veneno|envenen\w+|cloro)",
    r"sobre dosi\w*",
    rf"(tome|tomar|tomarme) … {_MUCHAS} … (pasti|medici|paraceta)\w+",
    rf"(me tomo|tomare|tomaria) {_TODAS} … (pasti|medici|paraceta|pildora)\w+(?! (en|a|por|cada|con|antes|como))",
    r"(trague|trago|tragar|tragare|tragaria|tragarme) … (pasti\w+|frasco)",
    "(tome pastillas|tome de mas|me empastille|me empastillo|inyectarme|me (inyecte|inyecto) (toda|de mas))",
    "todo el (frasco|bote)",
    "(pastillas|pildoras) listas(?! (en la farmacia|para recoger))",
)
