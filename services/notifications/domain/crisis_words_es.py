"""Phrases that may mean self-harm in Spanish, read as those of crisis_words.py."""

from services.notifications.domain.common_words import FAMILIA, HIJOS, MEDICINES, OTROS

_QUIERO = "(quiero|quisiera|deseo)"
_QUIERE = "(quiere|quieren|quisiera|queria|desea)"
_ALGUIEN = (
    f"(el|ella|ellos|{HIJOS}"
    f"|(mi|su|nuestr[oa]|el|la) ({FAMILIA}|{OTROS}|bebe|nin[oa]|muchach[oa]|alumn[oa]|paciente|client[ea]))"
)
_SE = (
    "((ya|siempre|a veces|tambien|otra vez|anoche|ayer|casi) )?se"
    " ((esta|estaba|anda|sigue|ha|ha estado|va a|iba a|quiere|queria|quiso"
    "|intento|trato de|vuelve a|volvio a|podria|puede|acaba de) )?"
)
"""What stands between somebody and what they do to themselves: "mi hija otra vez se quiere cortar"."""
_VIVIR = "(vivir|viviendo|existir|vida|estar viva|estar vivo)"
_HARTO = "(cansado|cansada|canse|harto|harta|odio|asco)"
_HACER = "(hacer|acer|hacerme|acerme|hare|haria|hago|ago|hice|ice|hise|ise|haciendo|haciendome)"
_CAER = (
    "(tirar|tirarme|me tiro|me tire|tirare|tiraria|aventar|aventarme|me aviento|me avente|me aviente|aventare"
    "|aventaria|lanzar|lanzarse|me lanzo|lanzare|lanzaria|arrojar|arrojarme|me arrojo|me arroje|saltar|saltare"
    "|saltaria|echar|me echo al|tirarse|aventarse|arrojarse|se (tiro|tira|tire|avento|avienta|aviente|lanzo|lanza"
    "|lance|arrojo|arroja|arroje)|salta|brincar|brinca)"
)
_ALTURA = (
    "(puente|ventana|azotea|edificio|techo|balcon|torre|acantilado|barranco|precipicio|cornisa|vacio|segundo piso"
    "|rascacielos|barandal)"
)
_ALTO = f"({_ALTURA}|tren|metro|vias|carro|carros|camion|trafico|rio|mar|lago|presa|canal)"
_TODAS = (
    r"(todas|todo (el|un) (frasco|bote)|(el|un) (frasco|bote|monton)|la botella|muchas|demasiadas|veinte|treinta"
    r"|cuarenta|cincuenta|cien|\d\d+)"
)
_CINTO = "(soga|cuerda|cinturon|cinto|lazo|sabana)"
_POR_AZAR = (
    "(el pelo|el cabello|las unas|la barba|la mano|el dedo|un dedo|un poco|tantito|el pie|la rodilla|el tobillo"
    "|la espalda|la lengua|la llamada"
    "|con (la|el|una|un) (plancha|estufa|papel|lata|cafe|sol|agua|horno|comal|puerta)|cocinando|jugando"
    "|rasurando(se)?|corriendo|entrenando|bailando|en (la|el) (escuela|cocina|gimnasio|parque|practica|partido|recreo"
    "|trabajo|futbol|sol))"
)
"""Where and how somebody is hurt by mischance."""
_INVITA = (
    "(cafe|cafecito|taco|tacos|cerveza|chela|refresco|comida|cena|lonche|almuerzo|desayuno|presion|azucar|glucosa)"
)
_PASTILLAS = rf"((pasti|medici|paraceta|pildora|capsul)\w*|{MEDICINES})"
_COMO_SIEMPRE = r"(a las|en|para|por|cada|con|antes|despues|como|hoy|diario|de (la|las|el)|del|y ya)"
_MUCHAS = r"(todas|todos?|toda|muchas|monton|frasco|bote|botella|demasiadas|veinte|treinta|cuarenta|\d+)"

SPANISH = (
    # Said outright.
    r"suicid(io|ios|a|as|o|arme|arse|ar|ando|andome|arnos)",
    "(matarme|matarse|matarnos|matandose|matame|mateme|matenme)",
    "(me|se|m) … matar",
    "(me (mate|mato)|se (mate|mato|mata|matara|maten)(?! (de|por|trabajando|estudiando)))",
    "(kitarm|quitarm) la vida",
    "(kiero|quiero) matr",
    "estoy (en|sobre) el puente",
    "(me)? despedi de (mis|mi|todos|todas|ella|el|ellos)",
    "(cuiden|cuida|cuide) a mis? ((hijo|hija|hijos|hijas)|(nino|nina|ninos|ninas)|bebe|familia|mama)",
    "(hacer|cometer|haga|cometa|hizo) una (locura|tonteria)",
    "(estoy|estamos) encerrad(a|o|as|os)",
    "se encerro (con|en (el|su|la) (bano|cuarto|recamara|garaje|habitacion))",
    "quit(ar|arme|arse|o|e|are|aria|ado|a|an|aron|ando|andose) la vida",
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
    f"no {_QUIERE} (estar|seguir|existir|continuar) … (aqui|asi|mas|viv[oa])",
    r"no (voy a estar|estare) (aqui)? manana\Z",
    "(no|nunca|jamas|ojala) … (despertar|despertarme|despierte|despertara|amanecer|amanezca|amaneciera)",
    "dejar de respirar",
    "(dormir|dormirme) y (ya)? (no|nunca) (volver|regresar|levantarme)",
    r"no se si … (estar|estare|seguir|siga|sigo) viv[oa]",
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
    "(para|pa) que … (vivir|viviendo|vivo|seguir)",
    "vivir es",
    "(basta|harta|harto) de (vivir|la vida|esta vida)",
    "fin (de|a) mi (vida|existencia)",
    "de baja de (la|esta|mi) vida",
    "(sentido|caso) … (vida|vivir|seguir|nada)",
    "mi vida es",
    "(todo|vida) se (acaba|acabo)",
    "se (acaba|acabo) todo",
    "ya no hay nada",
    "(no hay|no tengo|no le veo|no veo|no encuentro|sin) (la)? salida(?! (del|de la|hasta|a las))",
    "(no|sin|ni|perdido) … (esperanza|futuro)",
    "(en|una|mi|tengo|esta) crisis(?! (economica|de (agua|vivienda|la)))",
    "crisis (nerviosa|de (nervios|ansiedad|panico|llanto)|por favor|ayuda|suicida|llamen?me)",
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
    "(mejor|facil) si (yo)? no (estuviera|estoy)",
    r"nadie … (extranar|extrana|notaria|importo|le importa|necesita|llorar)",
    r"extranaria\w*",
    "soy … (carga|problema|molestia)",
    "estorbo",
    "mundo no me",
    "no … hago falta",
    "no (valgo|sirvo)",
    r"(estaria|estarian|estariamos|estan|vivirian|seria|serian|viviriamos) … (mejor|felices|bien)"
    r" sin (el\Z|ella|ellos)",
    "(hijos|hijas|hijo|hija|familia|todos) … (mejor|merecen?) … (otra|mejor) (mama|madre|papa|familia)",
    "(hago|haria|hare|haciendo|hacerles) un favor (a (todos|mi|mis|la familia)|al mundo|si (me|yo|ya))",
    # Leave.
    "(me despido|mi despedida|(mis|sus) despedidas|(carta|video|mensaje|nota) de despedida|despidanme|despideme)",
    "adios (mundo|a todos)",
    "(los|las|te|les) (amo|quiero) … adios",
    "adios … (los|las|te) (amo|quiero)",
    "hasta nunca",
    r"(hice|escribi) (la|mi|una) (carta|nota)\Z",
    "(deje … carta|dejo (una|su) (carta|nota)(?! (en|con)))",
    r"cartas? (para|a) (mis? (hij[oa]s?|familia)|cada uno|todos)",
    "(deje|dejar|dejando) todo (arreglado|en orden|preparado)(?! para)",
    "(la|mi) ultima vez que (les|los|las|le|te|me|nos) (escribo|hablo|veo|ven|ves|vere|molesto|leen)",
    "que (los|lo|la|las) (amo|quiero)(?! (felicitar|saludar|invitar))",
    "cuando … esto … (ido|no voy)",
    "cuando (yo)? no este",
    r"perdon\w* por (todo|lo que)",
    "no … (volver a ver|saber de mi)",
    r"(no|nunca|jamas) (me|lo|la|los) volver(a|an|as|emos|ia|ian|iamos) a ver",
    r"(regal\w+ (todas)? (mis|sus) (cosas|pertenencias)"
    r"|despidiendo(se|me)|se (despidio|despide) de (todos|mi|nosotros))",
    "(mi|su) ultima noche(?! (en|de))",
    "(hoy|esta) es la noche",
    "(no|ya no) … preocupar(se|te)? (mas)? por mi",
    r"(digan|diga|dile|dil)\w* a … que … intente",
    "tarde para (ayudarme|salvarme)",
    "ultimo (mensaje|dia)(?! (de|del) (trabajo|escuela|clases|vacaciones|mes|curso))",
    "no me veran",
    "(es|llego) el (fin|final)(?! (de|del))",
    "acabo para mi",
    r"(ayuda|ayudenme|ayudame) … voy a hacer\Z",
    r"(se|me) … (metio|meti|tomo|tome|corto|corte|quemo|queme|lastimo|choco|choque) … a proposito\Z",
    "(voy a (hacer|acabar|terminar)|hare) esta noche",
    "(me detenga|nadie me (va a|puede|podra) (parar|detener|salvar))",
    "nadie me salve",
    # To hurt oneself.
    f"{_HACER} dano",
    "(hacerse|haciendose|se (hace|hizo|haga|hiciera|ha hecho|esta haciendo|va a hacer|quiere hacer)) (mucho)? dano",
    "(hacerme|me … hacer) algo",
    "(hacerse|se (quiere|quiero|queria|quiso|va a|vaya a|iba a|puede|pueda|podria) hacer) algo(?! (de|para|en|con|a))",
    "(me (hago|hare|haria)|se (haga|hara|haria|hiciera|hizo)) algo(?! (de|para|en|con|a))",
    "no (puedo|voy a)? (prometo|prometer|prometerte|prometerle|garantizo|garantizar) … (a salvo|estar bien|haga nada)",
    f"({_HACER}|haciendose|se (hace|hizo)) (cortes|cortadas|heridas|rasgunos)",
    r"(arane|arana|arano|rasgun\w+) … (munecas|venas|brazos|piernas)",
    "(cortes|cortadas|cortaduras|cicatrices) … (brazos?|munecas?|piernas?|antebrazos?|muslos?)",
    r"auto lesion\w*",
    rf"(me|se) (queme|quemo|quema|quemado) (los|el|mis|las|la) (brazos?|piernas?|munecas?|muslos|piel)(?! {_POR_AZAR})",
    "(herirme|me hiero|me heri|golpearme|quemarme|me golpeo|me quemo|me … golpear|me pego contra)",
    f"(lastimar|lastimando|cortando|hiriendo|quemando|golpeando|herir)(me|se)(?! {_POR_AZAR})",
    rf"{_ALGUIEN} {_SE}(cort(a|o|e|ar|ando|ado)|lastim(a|o|e|ar|ando|ado)|hir(io|iendo)|hier(e|a)|herir|herido"
    rf"|quem(a|o|ar|ando|ado)|golpe(a|o|ar|ando)|pega|pegando|raja|rajo|tajea|tajeo)(?! {_POR_AZAR})",
    "me … (lastimar|lastimare|lastimaria|lastime|lastimo|lastimado|lastimando)(?! (la|el|los|las|un|una))",
    "cortar(me|se)(?! (el pelo|las unas|el cabello|la llamada|la luz|el agua|el internet|la barba))",
    r"(?<!\bse\s)me … (corte|corto|cortar|cortare|cortaria|cortando)"
    r"(?! (el pelo|las unas|el cabello|la llamada|la mano|el dedo))",
    "venas",
    "(rajarme|rajarse|(me|se) … rajar|(me|se) (rajo|raje|rajare|rajaria) … (brazos?|munecas?|piernas?|cuello))",
    "(tajearme|tajearse|(me|se) (tajo|taje|tajeo|tajeare) … (brazos?|munecas?|piernas?|cuello))",
    "(degollar(me|se)|(me|se) (deguello|deguelle|degollo|degollaria))",
    "se (esta|anda) matando(?! (trabajando|estudiando|de risa))",
    r"(me|se) (imagino|imagina|veo|ve) (colgad|muert|ahorcad)[oa]",
    r"(desangr\w+|(me|se) … desangr\w+)",
    "(apunal|acuchill)ar(me|se)",
    "(navajas?|cuchillo en)",
    "miedo … (mi misma|mi mismo|lo que pueda)",
    "(pegarse|pegandose|golpearse|golpeandose|se (pega|golpea)) (en|contra) (la|su) (cabeza|cara|pared)",
    "no confio en (mi|quedarme|estar sol[oa])",
    "no … (a salvo|segura sola|seguro solo|conmigo)",
    "no (me|se|nos) (siento|siente|sentimos|sienten) (muy|nada)? segur[ao]s?"
    "(?! (de|del|con (la|el)|si|que|para|manejando|en (la|el) (carretera|autopista|nieve)|sobre))",
    "no … (capaz de|puedo) (cuidarme|controlarme|contenerme)",
    # How.
    r"(ahorcar\w*|orcar\w*|(me|se) (ahorco|ahorque|ahorca)(?! (el|la|los|las)))",
    "(me|se) … colgar(?! (el|la))",
    r"(encontre|encontramos|encontraron|hallaron|vi|estaba) … (colgad|ahorcad|desangrad)[oa]",
    f"{_ALGUIEN} {_SE}(colgo|cuelga|cuelgue|disparo|dispara|dispare|envenena|asfixio|estrangulo|estrangula|ahogo)"
    "(?! (el|la|con|de))",
    r"(colgarme|colgarse(?! (el|la|los))|me cuelgo(?! (el|la))|me (colgare|colgaria)(?! (el|la))"
    r"|(?<!\bno\s)me cuelgue(?! (el|la|en|si)))",
    "me colgue de (un|una|el|la)",
    f"{_CINTO} … cuello",
    "(da|dar|darme|darse|pegar|pegarme|pegarse|meter|meterse) … (tiro|balazo)",
    "(me|se) (doy|di|dio|da|de|daria|dare|dara|pego|pega|pegue|pegare|pegaria|meto|mete|metio|meti|metere|meteria|meta)"
    " un (tiro|balazo|escopetazo)",
    "(balazo|tiro) en la cabeza",
    "(volar|volarme|volare|volaria|me vuelo|me vuele) … (cabeza|sesos)",
    "(dispararme|dispararse|(me|se) … disparar)",
    rf"(?<!\bse\s)me (disparo|dispare|disparare|dispararia|dispararon|disparaba)(?! (un|una|el|la|los|las) {_INVITA})",
    "(amarre|amarro|colgue|prepare|hice) (la|una|el|un) (soga|cuerda|lazo|nudo)",
    "(meter|meterme|entrar|caminar) (al|en el|hacia el) (mar|rio|lago) (y no|hasta)",
    r"(tom(e|o) todo lo (que|del)|(quiero|voy a|ganas de) tomarme todo(?! (el|con)))",
    f"(eche|vacie|saque) (todas)? (mis|las) {_PASTILLAS}",
    "(tragarmelas|tomarmelas|me las (tomo|tome|trago|trague|voy a tomar)) todas",
    "(tengo|tuviera|compre|cargue|cargo|compro) … (pistola|arma|cuerda|soga|escopeta|revolver)",
    "con (la|una|su|mi|un|el) (pistola|arma|escopeta|rifle|machete|revolver|soga)(?! de)",
    "(canon|pistola|navaja|cuchillo) (en|contra) (la|el|mi|su) (boca|cabeza|sien|cuello|garganta|pecho)",
    "(pastillas|pildoras|clonazepam|navaja|pistola|arma|cuchillo|soga|cuerda|frasco|veneno|gillette|rasuradora)"
    " … en (la|mi|su) mano",
    "(llevar|llevo|llevare|traer|traigo|traere) (la|una|mi|el|un) … (pistola|arma|cuchillo|navaja|rifle) (a|al)"
    " (la|mi)? (escuela|trabajo|iglesia|clase|oficina|clinica)",
    f"{_CAER} … {_ALTO}",
    f"(me lance|me eche|salto|salte|brinco|brinque|brincar|brincarme) (de|del|desde|por) … {_ALTURA}",
    f"(orilla|borde|filo) (de|del) (la|el|un|una)? ({_ALTURA}|anden|rio)",
    "(arriba|encima) (de|del) (la|el|un|una)? (puente|edificio|azotea|torre|techo|estacionamiento)"
    " (y|para|quiero|pensando)",
    "(quiero|voy a|ganas de|podria|quisiera) (soltarme|dejarme caer)",
    "(ahogarse en (la|el) (tina|rio|mar|banera|alberca|lago)|ahogarme|me (quiero|voy a|quisiera|podria|pienso) ahogar"
    "|me ahogo en (la|el) (tina|rio|mar|banera|alberca|lago))"
    r"(?! (en|de|con) (trabajo|tareas?|deudas?|risa|un vaso))",
    "(prenderme|prenderse|(me|se) (prendo|prendio)|(me|se) … prender) fuego",
    "(voy a|a punto de) saltar(?! (una|la))",
    r"se (quiere|queria|quiso|va a) (aventar|tirar|lanzar)\Z",
    "(pensando|pienso|pensado|pense|ganas|quiero|voy) (en|de|a)? (lanzarme|tirarme|aventarme)(?! (a|al|en|con|por))",
    r"(manejando|caminando|rumbo|voy) (al|hacia el) puente(\Z| (y|para))",
    r"(tengo|tiene) un plan\Z",
    "(parad|sentad|subid|trepad)[oa] en (el|la) (puente|barandal|borde|orilla|cornisa)",
    "(chocar|choco (mi|el) (carro|coche)|estrellar|estrellarme|me estrello) … (contra|proposito)",
    "(quiero|voy a|ganas de|pienso) (estrellarme|estrellar (mi|el) (carro|coche))",
    "estrellar(me|se) (con|contra|en)",
    "gatillo",
    r"(estoy|esta|parad[oa]|subid[oa]) en (la azotea|el techo|la cornisa|el borde)(\Z| y)",
    "(atropelle|atropellen|atropellara|atropellaran|me maten|caiga un rayo)",
    r"(veneno|envenen\w+|cloro)",
    "(raticida|insecticida|plaguicida|mata ratas|anticongelante|acido muriatico)",
    r"sobre dosi\w*",
    rf"(tome|tomar|tomarme|tomarse|tomado) … {_MUCHAS} … {_PASTILLAS}",
    rf"(me tomo|se tomo|tomare|tomaria|se toma) (como|casi|unas|mas de)? {_TODAS} … {_PASTILLAS}"
    r"(?! (en|a|por|cada|con|antes|como))",
    f"(me tome|se (tomo|ha tomado|comio|metio|acaba de tomar)) (las|unas|varias|muchas|mis|todo|mas)? {_PASTILLAS}"
    f"(?! {_COMO_SIEMPRE})",
    rf"(junte|juntando|acumule|acumulando|guardando|ahorrando|conte|contando|suficientes) … {_PASTILLAS}"
    "(?! para (la semana|el (mes|viaje)|esta|este|toda))",
    r"(pensando|pienso|pensado|pense) … en como (hacerlo|irme)",
    f"(mirando|viendo|miro|veo|dejo de (ver|mirar)) (las|todas las|mis|el|la|un|una)"
    f" ({_PASTILLAS}|frasco|pistola|navaja|soga|cuchillo)",
    rf"(trague|trago|tragar|tragare|tragaria|tragarme|tragarse) … ({_PASTILLAS}|frasco)",
    r"(tome pastillas|tome de mas|tome demasiad[oa]s\Z|me empastille|me empastillo|inyectarme"
    "|me (inyecte|inyecto) (toda|de mas))",
    "todo el (frasco|bote)",
    "(pastillas|pildoras) listas(?! (en la farmacia|para recoger))",
)
