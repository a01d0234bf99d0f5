"""Español."""

from bot.texts import Texts

TEXTS = Texts(
    commands={
        "styles": "los estilos, en imágenes",
        "style": "elegir estilo: /style starry_night 60 the_scream 40",
        "mystyles": "tus propios estilos, hechos de cuadros",
        "strength": "intensidad, de 0 a 100: /strength 70",
        "colors": "conservar los colores de la foto: /colors keep, o /colors style",
        "mask": "dónde pintar: /mask person, background, left ... off",
        "regions": "un estilo por zona: /regions left the_scream right great_wave",
        "size": "lado mayor en píxeles: /size 1280, o /size full",
        "settings": "lo elegido en este chat",
        "reset": "volver a lo inicial",
        "cancel": "detener lo que espera o se pinta",
        "privacy": "qué se guarda sobre ti",
        "forget": "borrar lo guardado sobre este chat",
        "help": "todas las órdenes",
        "start": "cómo empezar",
    },
    start=(
        "Envíame una foto y la pinto. 🎨\n\n"
        "Si quieres, di cómo en el pie de foto: «scream 50 wave 50 conservar colores», o usa los botones bajo el "
        "cuadro. "
        "/styles muestra los estilos, /help todo lo demás."
    ),
    help=(
        "Envía una foto, un archivo de imagen o un álbum, o responde a una foto anterior. En el pie puedes decir cómo: "
        "«starry night», «scream 50 wave 50 conservar colores persona», «intensidad 70 izquierda». Las erratas no "
        "importan.\n"
        "Responde a una foto con una imagen en blanco y negro y pintaré solo donde sea blanca.\n"
        "En grupos, mencióname o usa una orden.\n\n{commands}"
    ),
    privacy=(
        "Tus fotos y sus cuadros están solo en memoria mientras se pintan y aquí nunca se escriben en un disco. La "
        "base de datos de este bot guarda, con tu número y el de este chat:\n"
        "• tu mensaje, hasta que se responde;\n"
        "• lo que hay que pintar, como referencia de Telegram a la foto, y cómo, hasta que está hecho;\n"
        "• durante un día, que escribiste o te pinté fotos, cuándo y cuántas, y cómo se pintó un álbum;\n"
        "• durante {days} días, de qué foto salió un cuadro y qué imagen fue su máscara, como referencias de Telegram, "
        "para que los botones funcionen;\n"
        "• los ajustes de este chat, hasta /forget;\n"
        "• los estilos que hiciste de cuadros, como números y una miniatura, nunca el cuadro, hasta que los borres o "
        "hasta /forget.\n"
        "/forget lo borra todo al momento, salvo dos cosas sin contenido: durante una hora, cuántas fotos te pinté, "
        "por el límite, y durante un día los números con que llegaron tus mensajes, para no responder a ninguno dos "
        "veces."
    ),
    forgotten="Olvidado. Lo guardado sobre este chat se ha borrado; /privacy dice qué dos números quedan un rato.",
    choose_style="¿Qué estilo?",
    your_styles="Tus estilos. Elige uno para usarlo, cambiarle el nombre, compartirlo o borrarlo.",
    no_own_styles="Aún no tienes estilos propios. Envía un cuadro y responde a él con /style.",
    own_in_private="Tus estilos quedan entre nosotros: escribe /mystyles en nuestro chat.",
    own_style="Mi estilo {number}",
    somebodys_style="el estilo de un cuadro",
    making_style="Estoy mirando el cuadro …",
    style_made="Estilo: {title}. Ahora envía una foto. Queda en /mystyles.",
    new_title="Envíame el nuevo nombre de «{title}».",
    style_renamed="Ahora se llama «{title}».",
    style_deleted="«{title}» está borrado.",
    shared_style="«{title}»: quien reciba este archivo y me lo envíe tendrá el estilo.",
    settings="Estilo: {styles}\nIntensidad: {strength} %\nColores: {colors}\nDónde: {where}\nTamaño: {size}",
    style_set="Estilo: {styles}. Ahora envía una foto.",
    strength_set="Intensidad: {strength} %.",
    colors_set="Colores: {colors}.",
    colors_keep="los de la foto",
    colors_style="los del cuadro",
    mask_set="Dónde: {where}.",
    mask_off="Pinto toda la imagen.",
    regions_set="Zonas: {regions}.",
    size_set="Lado mayor: como máximo {size} píxeles.",
    size_full="tamaño completo",
    reset="De vuelta a lo inicial.",
    everywhere="en todas partes",
    places={
        "left": "izquierda",
        "right": "derecha",
        "top": "arriba",
        "bottom": "abajo",
        "radial": "centro",
        "person": "persona",
        "background": "fondo",
        "subject": "motivo",
    },
    own_mask="tu máscara",
    painting="Pintando …",
    in_line="Número {position} en la cola, unos {seconds} s.",
    done="{styles} · {strength} %",
    keeps_colors="colores propios",
    album_done="{styles}: {count} cuadros.",
    album_partly="{styles}: {count} cuadros. {failed} no se pudieron pintar: {reason}",
    compared="Foto y cuadro: {styles}",
    cancelled="Cancelado.",
    nothing_to_cancel="No hay nada que cancelar.",
    painting_toast="Pintando …",
    button_style="🎨 Otro estilo",
    button_blend="➕ Mezclar",
    button_stronger="💪 Más",
    button_weaker="🪶 Menos",
    button_keep_colors="🌈 Conservar colores",
    button_style_colors="🖌 Colores del cuadro",
    button_where="📍 Dónde",
    button_compare="🔍 Comparar",
    button_file="📄 Como archivo",
    button_back="‹ Volver",
    button_take="🖼 Foto como estilo",
    button_use="✓ Usar",
    button_rename="✏️ Renombrar",
    button_share="📤 Compartir",
    button_delete="🗑 Borrar",
    strongest="Ya está al máximo.",
    weakest="Menos sería la foto.",
    old_button="Este botón es de una versión anterior; envía la foto otra vez.",
    unknown_word="No conozco «{word}».",
    did_you_mean="¿Querías decir {likely}?",
    known_styles="Hay: {names}.",
    no_any_painting="El modelo con el que pinto no puede tomar cualquier cuadro como estilo; /styles muestra los "
    "suyos.",
    own_styles_full="Tienes {limit} estilos propios y no caben más; borra uno en /mystyles.",
    own_style_gone="Este estilo está borrado; /mystyles muestra los que tienes.",
    album_of_two="Para «1 en el estilo de 2» envía un álbum de exactamente dos imágenes.",
    style_image_unfit="Este cuadro es demasiado pequeño o estrecho para un estilo: necesita 64 píxeles por "
    "lado, y ningún lado diez veces el otro.",
    style_file_unfit="No es un archivo de estilo que pueda leer; pídelo otra vez o envía el cuadro.",
    style_of_other_model="Este estilo se hizo para otra versión del modelo; hazlo de nuevo a partir de su cuadro.",
    strength_needed="Se espera un número de 0 a 100, como en /strength 70.",
    size_needed="Se espera un tamaño de {least} a {most} píxeles, o full, como en /size 1280.",
    colors_needed="Se espera /colors keep o /colors style.",
    place_needed="Se espera una zona: {places}, u off.",
    regions_needed="Se esperan zonas y estilos, como en /regions left the_scream right great_wave.",
    unknown_command="No conozco esta orden. /help las enumera.",
    no_photo="Envíame una foto y la pinto. /help dice qué más sé hacer.",
    need_reply_photo="Ya no sé de qué foto salió este cuadro; responde a la foto misma.",
    file_too_large="Este archivo tiene {size} MB; puedo aceptar {limit} MB como máximo. Envíalo más pequeño o como "
    "foto.",
    too_many_pixels="Esta imagen tiene {size} megapíxeles; puedo aceptar {limit} como máximo. Envíala más pequeña o "
    "como "
    "foto.",
    too_few_pixels="Esta imagen es demasiado pequeña: cada lado necesita al menos {least} píxeles.",
    photo_unreadable="No puedo leer esta imagen. Envíala como JPEG, PNG o WebP, o como foto.",
    mask_unfit="La máscara no encaja: necesita la forma de la foto, blanca donde debo pintar.",
    masks_missing="Aquí no puedo encontrar personas ni motivos; usa left, right, top, bottom, radial o una máscara "
    "propia.",
    nothing_found="En esta foto no encuentro: {place}. Usa izquierda, derecha, arriba, abajo o centro, o envía una "
    "máscara propia.",
    photo_gone="La foto ya no está; envíala otra vez.",
    mask_gone="La máscara ya no está; envíala otra vez en respuesta a la foto.",
    waiting_for_server="El pintor se está reiniciando. Tu foto está guardada y se pintará en cuanto vuelva.",
    server_too_slow="Ha tardado demasiado. Prueba un tamaño menor: /size 1280.",
    server_gave_up="El pintor no volvió a tiempo. Envía la foto otra vez más tarde.",
    gave_up="Esta foto no se pudo pintar tras varios intentos. Envíala otra vez, quizá más pequeña.",
    refused="El pintor lo rechazó: {reason}",
    internal_error="Algo falló de mi lado; ha quedado anotado. Inténtalo otra vez.",
    too_many_photos="Has enviado {limit} fotos en una hora. En {minutes} min habrá sitio para más.",
    queue_full="Ahora esperan demasiadas fotos; envía la tuya otra vez dentro de unos minutos.",
    album_too_long="Este álbum es demasiado largo: pinto como máximo {limit} de sus fotos, desde el principio.",
    not_allowed="Este bot solo atiende a quienes su dueño ha apuntado. Tu número es {user}.",
    group_admins_only="Solo los administradores de este grupo pueden hacer eso.",
    admins_only="Eso solo lo pueden ver los administradores.",
    stats="En espera: {waiting}\nPintándose: {running}\nPintadas en un día: {done}\nFallidas en un día: {failed}\n"
    "Chats: {chats}\nSegundos por cuadro: {seconds}",
    words={
        "colores": "colors",
        "color": "colors",
        "conservar": "keep",
        "conserva": "keep",
        "izquierda": "left",
        "derecha": "right",
        "arriba": "top",
        "abajo": "bottom",
        "centro": "radial",
        "fondo": "background",
        "persona": "person",
        "personas": "person",
        "motivo": "subject",
        "apagar": "off",
        "intensidad": "strength",
        "fuerza": "strength",
        "tamaño": "size",
        "completo": "full",
        "estilo": "style",
    },
)
