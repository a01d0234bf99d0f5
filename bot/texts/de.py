"""Deutsch."""

from bot.texts import Texts

TEXTS = Texts(
    commands={
        "styles": "die Stile, als Bilder",
        "style": "Stil wählen: /style starry_night 60 the_scream 40",
        "mystyles": "deine eigenen Stile, aus Gemälden",
        "strength": "wie stark, 0 bis 100: /strength 70",
        "colors": "Farben des Fotos behalten: /colors keep, sonst /colors style",
        "mask": "wo gemalt wird: /mask person, background, left ... off",
        "regions": "je Ort ein Stil: /regions left the_scream right great_wave",
        "size": "längere Seite in Pixeln: /size 1280 oder /size full",
        "settings": "was in diesem Chat gewählt ist",
        "reset": "zurück zur Voreinstellung",
        "cancel": "anhalten, was wartet oder gemalt wird",
        "privacy": "was über dich gespeichert wird",
        "forget": "alles über diesen Chat löschen",
        "help": "alle Befehle",
        "start": "wie es anfängt",
    },
    start=(
        "Schick mir ein Foto, und ich male es. 🎨\n\n"
        "Wie, kannst du in die Bildunterschrift schreiben: „scream 50 wave 50 Farben behalten“, oder nimm die Knöpfe "
        "unter "
        "dem Gemälde. /styles zeigt die Stile, /help alles andere."
    ),
    help=(
        "Schick ein Foto, eine Bilddatei oder ein Album, oder antworte auf ein älteres Foto. In der Bildunterschrift "
        "darf "
        "stehen, wie: „starry night“, „scream 50 wave 50 Farben behalten Person“, „Stärke 70 links“. Tippfehler "
        "schaden "
        "nicht.\n"
        "Antworte auf ein Foto mit einem Schwarzweißbild, und ich male nur dort, wo es weiß ist.\n"
        "In Gruppen: erwähne mich oder nimm einen Befehl.\n\n{commands}"
    ),
    privacy=(
        "Deine Fotos und ihre Gemälde sind nur im Arbeitsspeicher, solange gemalt wird, nie auf einer Festplatte. In "
        "der Datenbank dieses Bots stehen, mit deiner Nummer und der des Chats:\n"
        "• deine Nachricht, bis sie beantwortet ist;\n"
        "• was zu malen ist, als Verweis von Telegram auf das Foto, und wie, bis es getan ist;\n"
        "• einen Tag lang, dass du schriebst oder Fotos malen ließest, wann und wie viele, und wie ein Album "
        "gemalt wurde;\n"
        "• {days} Tage lang, aus welchem Foto ein Gemälde wurde und welches Bild dessen Maske war, als Verweise von "
        "Telegram, damit Knöpfe funktionieren;\n"
        "• die Einstellungen dieses Chats, bis /forget;\n"
        "• die Stile, die du aus Gemälden gemacht hast, als Zahlen und ein Vorschaubild, nie das Gemälde, bis du sie "
        "löschst oder /forget.\n"
        "/forget löscht das alles sofort, bis auf zweierlei ohne Inhalt: eine Stunde lang, wie viele Fotos du malen "
        "ließest, wegen der Obergrenze, und einen Tag lang die Nummern, unter denen deine Nachrichten ankamen, damit "
        "keine zweimal beantwortet wird."
    ),
    forgotten="Vergessen. Was über diesen Chat gespeichert war, ist gelöscht; "
    "welche zwei Zahlen bleiben, sagt /privacy.",
    choose_style="Welcher Stil?",
    your_styles="Deine Stile. Wähle einen, um ihn zu benutzen, umzubenennen, zu teilen oder zu löschen.",
    no_own_styles="Du hast noch keine eigenen Stile. Schicke ein Gemälde und antworte darauf mit /style.",
    own_in_private="Deine Stile bleiben unter uns: schreibe /mystyles in unserem eigenen Chat.",
    own_style="Mein Stil {number}",
    somebodys_style="der Stil eines Gemäldes",
    making_style="Ich sehe mir das Gemälde an …",
    style_made="Stil: {title}. Schicke jetzt ein Foto. In /mystyles bleibt er.",
    new_title="Schicke mir den neuen Namen von „{title}“.",
    style_renamed="Er heißt jetzt „{title}“.",
    style_deleted="„{title}“ ist gelöscht.",
    shared_style="„{title}“: wer diese Datei von dir bekommt und mir schickt, hat den Stil.",
    settings="Stil: {styles}\nStärke: {strength} %\nFarben: {colors}\nWo: {where}\nGröße: {size}",
    style_set="Stil: {styles}. Jetzt schick ein Foto.",
    strength_set="Stärke: {strength} %.",
    colors_set="Farben: {colors}.",
    colors_keep="die des Fotos",
    colors_style="die des Gemäldes",
    mask_set="Wo: {where}.",
    mask_off="Ich male das ganze Bild.",
    regions_set="Bereiche: {regions}.",
    size_set="Längere Seite: höchstens {size} Pixel.",
    size_full="volle Größe",
    reset="Zurück zur Voreinstellung.",
    everywhere="überall",
    places={
        "left": "links",
        "right": "rechts",
        "top": "oben",
        "bottom": "unten",
        "radial": "Mitte",
        "person": "Person",
        "background": "Hintergrund",
        "subject": "Motiv",
    },
    own_mask="deine Maske",
    painting="Ich male …",
    in_line="Nummer {position} in der Reihe, etwa {seconds} s.",
    done="{styles} · {strength} %",
    keeps_colors="eigene Farben",
    album_done="{styles}: {count} Gemälde.",
    album_partly="{styles}: {count} Gemälde. {failed} ließen sich nicht malen: {reason}",
    compared="Foto und Gemälde: {styles}",
    cancelled="Abgebrochen.",
    nothing_to_cancel="Es gibt nichts abzubrechen.",
    painting_toast="Ich male …",
    button_style="🎨 Anderer Stil",
    button_blend="➕ Mischen",
    button_stronger="💪 Stärker",
    button_weaker="🪶 Schwächer",
    button_keep_colors="🌈 Farben behalten",
    button_style_colors="🖌 Farben des Gemäldes",
    button_where="📍 Wo",
    button_compare="🔍 Vergleichen",
    button_file="📄 Als Datei",
    button_back="‹ Zurück",
    button_take="🖼 Foto als Stil",
    button_use="✓ Benutzen",
    button_rename="✏️ Umbenennen",
    button_share="📤 Teilen",
    button_delete="🗑 Löschen",
    strongest="Stärker geht es nicht.",
    weakest="Schwächer wäre das Foto.",
    old_button="Dieser Knopf ist von einer älteren Fassung; schick das Foto noch einmal.",
    unknown_word="„{word}“ kenne ich nicht.",
    did_you_mean="Meintest du {likely}?",
    known_styles="Es gibt: {names}.",
    no_any_painting="Das Modell, mit dem ich male, kann nicht jedes Gemälde als Stil nehmen; /styles zeigt seine.",
    own_styles_full="Du hast {limit} eigene Stile, mehr passen nicht; lösche einen in /mystyles.",
    own_style_gone="Dieser Stil ist gelöscht; /mystyles zeigt, welche du hast.",
    album_of_two="Für „1 im Stil von 2“ schicke ein Album aus genau zwei Bildern.",
    style_image_unfit="Dieses Gemälde ist zu klein oder zu schmal für einen Stil: es braucht 64 Pixel auf jeder "
    "Seite, und keine Seite darf zehnmal so lang sein wie die andere.",
    style_file_unfit="Das ist keine Stildatei, die ich lesen kann; lass sie dir noch einmal schicken, oder "
    "schicke das Gemälde.",
    style_of_other_model="Dieser Stil ist für eine andere Version des Modells; mache ihn neu aus seinem Gemälde.",
    strength_needed="Erwartet wird eine Zahl von 0 bis 100, etwa /strength 70.",
    size_needed="Erwartet wird eine Größe von {least} bis {most} Pixeln oder full, etwa /size 1280.",
    colors_needed="Erwartet wird /colors keep oder /colors style.",
    place_needed="Erwartet wird ein Ort: {places}, oder off.",
    regions_needed="Erwartet werden Orte und Stile, etwa /regions left the_scream right great_wave.",
    unknown_command="Diesen Befehl kenne ich nicht. /help nennt alle.",
    no_photo="Schick mir ein Foto, und ich male es. /help sagt, was ich sonst kann.",
    need_reply_photo="Das Foto zu diesem Gemälde ist nicht mehr bekannt; antworte auf das Foto selbst.",
    file_too_large="Diese Datei hat {size} MB; höchstens {limit} MB kann ich nehmen. Schick sie kleiner oder als Foto.",
    too_many_pixels="Dieses Bild hat {size} Megapixel; höchstens {limit} kann ich nehmen. Schick es kleiner oder als "
    "Foto.",
    too_few_pixels="Dieses Bild ist zu klein: Jede Seite braucht mindestens {least} Pixel.",
    photo_unreadable="Dieses Bild kann ich nicht lesen. Schick es als JPEG, PNG oder WebP oder als Foto.",
    mask_unfit="Die Maske passt nicht: Sie braucht die Form des Fotos, weiß, wo ich malen soll.",
    masks_missing="Personen und Motive kann ich hier nicht finden; nimm left, right, top, bottom, radial oder eine "
    "eigene "
    "Maske.",
    nothing_found="Ich finde in diesem Foto nichts für: {place}. Nimm links, rechts, oben, unten oder Mitte oder "
    "schick eine eigene Maske.",
    photo_gone="Das Foto ist weg; schick es noch einmal.",
    mask_gone="Die Maske ist weg; schick sie noch einmal als Antwort auf das Foto.",
    waiting_for_server="Der Maler startet neu. Dein Foto ist gut aufgehoben und wird gemalt, sobald er zurück ist.",
    server_too_slow="Das hat zu lange gedauert. Versuch es kleiner: /size 1280.",
    server_gave_up="Der Maler kam nicht rechtzeitig zurück. Schick das Foto später noch einmal.",
    gave_up="Dieses Foto ließ sich auch nach mehreren Versuchen nicht malen. Schick es noch einmal, vielleicht "
    "kleiner.",
    refused="Der Maler hat abgelehnt: {reason}",
    internal_error="Bei mir ist etwas schiefgegangen; es ist notiert. Bitte versuch es noch einmal.",
    too_many_photos="Du hast {limit} Fotos in einer Stunde geschickt. In {minutes} min ist wieder Platz.",
    queue_full="Gerade warten zu viele Fotos; bitte schick deins in ein paar Minuten noch einmal.",
    album_too_long="Dieses Album ist zu lang: Ich male höchstens {limit} seiner Fotos, vom Anfang an.",
    not_allowed="Dieser Bot ist nur für Leute da, die sein Besitzer eingetragen hat. Deine Nummer ist {user}.",
    group_admins_only="Das dürfen nur Admins dieser Gruppe.",
    admins_only="Das dürfen nur Admins sehen.",
    stats="Warten: {waiting}\nIn Arbeit: {running}\nGemalt in einem Tag: {done}\nFehlgeschlagen in einem Tag: "
    "{failed}\n"
    "Chats: {chats}\nSekunden je Gemälde: {seconds}",
    words={
        "farben": "colors",
        "farbe": "colors",
        "behalten": "keep",
        "behalte": "keep",
        "eigene": "keep",
        "links": "left",
        "rechts": "right",
        "oben": "top",
        "unten": "bottom",
        "mitte": "radial",
        "hintergrund": "background",
        "personen": "person",
        "motiv": "subject",
        "überall": "off",
        "aus": "off",
        "stärke": "strength",
        "größe": "size",
        "voll": "full",
        "stil": "style",
    },
)
