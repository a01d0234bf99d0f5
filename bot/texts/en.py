"""English."""

from bot.texts import Texts

TEXTS = Texts(
    commands={
        "styles": "the styles, as pictures",
        "style": "choose a style: /style starry_night 60 the_scream 40",
        "mystyles": "your own styles, made of paintings",
        "strength": "how strong, 0 to 100: /strength 70",
        "colors": "keep the photo's colours: /colors keep, or /colors style",
        "mask": "where to paint: /mask person, background, left ... off",
        "regions": "a style for each place: /regions left the_scream right great_wave",
        "size": "longer side in pixels: /size 1280, or /size full",
        "settings": "what is chosen in this chat",
        "reset": "back to the defaults",
        "cancel": "stop what is waiting or being painted",
        "privacy": "what is kept about you",
        "forget": "delete what is stored about this chat",
        "help": "all commands",
        "start": "how it begins",
    },
    start=(
        "Send me a photo and I paint it. 🎨\n\n"
        "Say how in the caption if you like: “scream 50 wave 50 keep colors”, or use the buttons under the painting. "
        "/styles shows the styles, /help everything else."
    ),
    help=(
        "Send a photo, an image file or an album, or reply to an older photo. In the caption you may say how: "
        "“starry night”, “scream 50 wave 50 keep colors person”, “strength 70 left”. Typos are fine.\n"
        "Reply to a photo with a black-and-white picture to paint only where it is white.\n"
        "Any painting: reply to it with /style, or send it and a photo as an album, “1 in the style of 2”. /mystyles "
        "keeps them.\n"
        "In groups, mention me or use a command.\n\n{commands}"
    ),
    privacy=(
        "Your photos and their paintings are held in memory while they are painted and never written to a disk here. "
        "This bot's database holds, with your number and this chat's:\n"
        "• your message, until it is answered;\n"
        "• what is to be painted, as Telegram's reference to the photo and how, until it is done;\n"
        "• for a day, that you wrote or had photos painted, when and how many, and how an album was painted;\n"
        "• for {days} days, which photo a painting was made from and which picture was its mask, as Telegram's "
        "references, so that buttons work;\n"
        "• this chat's settings, until /forget;\n"
        "• the styles that you made of paintings, as numbers and a thumbnail, never the painting, until you delete "
        "them or /forget.\n"
        "/forget deletes all of it at once, but for two things without content: for an hour, how many photos you had "
        "painted, because of the limit, and for a day the numbers of your messages' deliveries, so that none is "
        "answered twice."
    ),
    forgotten="Forgotten. What was stored about this chat is deleted; /privacy says which two numbers stay a while.",
    choose_style="Which style?",
    your_styles="Your styles. Choose one to use, rename, share or delete it.",
    no_own_styles="You have no styles of your own yet. Send a painting and reply to it with /style.",
    own_in_private="Your styles are between you and me: write /mystyles in our own chat.",
    own_style="My style {number}",
    somebodys_style="a painting's style",
    making_style="Looking at the painting …",
    style_made="Style: {title}. Now send a photo. /mystyles keeps it.",
    new_title="Send me the new name of “{title}”.",
    style_renamed="It is called “{title}” now.",
    style_deleted="“{title}” is deleted.",
    shared_style="“{title}”: send this file to somebody, who sends it to me and has the style.",
    settings="Style: {styles}\nStrength: {strength} %\nColours: {colors}\nWhere: {where}\nSize: {size}",
    style_set="Style: {styles}. Now send a photo.",
    strength_set="Strength: {strength} %.",
    colors_set="Colours: {colors}.",
    colors_keep="the photo's own",
    colors_style="the painting's",
    mask_set="Where: {where}.",
    mask_off="I paint the whole picture.",
    regions_set="Regions: {regions}.",
    size_set="Longer side: at most {size} pixels.",
    size_full="full size",
    reset="Back to the defaults.",
    everywhere="everywhere",
    places={
        "left": "left",
        "right": "right",
        "top": "top",
        "bottom": "bottom",
        "radial": "middle",
        "person": "person",
        "background": "background",
        "subject": "subject",
    },
    own_mask="your mask",
    painting="Painting …",
    in_line="Number {position} in line, about {seconds} s.",
    done="{styles} · {strength} %",
    keeps_colors="own colours",
    album_done="{styles}: {count} paintings.",
    album_partly="{styles}: {count} paintings. {failed} could not be painted: {reason}",
    compared="Photo and painting: {styles}",
    cancelled="Cancelled.",
    nothing_to_cancel="There is nothing to cancel.",
    painting_toast="Painting …",
    button_style="🎨 Another style",
    button_blend="➕ Blend",
    button_stronger="💪 Stronger",
    button_weaker="🪶 Weaker",
    button_keep_colors="🌈 Keep colours",
    button_style_colors="🖌 Painting's colours",
    button_where="📍 Where",
    button_compare="🔍 Compare",
    button_file="📄 As file",
    button_back="‹ Back",
    button_take="🖼 Use photo as style",
    button_use="✓ Use",
    button_rename="✏️ Rename",
    button_share="📤 Share",
    button_delete="🗑 Delete",
    strongest="It is at full strength already.",
    weakest="Weaker would be the photo.",
    old_button="This button is from an older version; send the photo again.",
    unknown_word="I do not know “{word}”.",
    did_you_mean="Did you mean {likely}?",
    known_styles="There are: {names}.",
    no_any_painting="The model that I paint with cannot take any painting as a style; /styles shows those it has.",
    own_styles_full="You have {limit} styles of your own, and no more fit; delete one in /mystyles.",
    own_style_gone="This style is deleted; /mystyles shows those you have.",
    album_of_two="For “1 in the style of 2” send an album of exactly two pictures.",
    style_image_unfit="This painting is too small or too narrow for a style: it needs 64 pixels on each side, and no "
    "side ten times the other.",
    style_file_unfit="This is no style file that I can read; ask for it again, or send the painting.",
    style_of_other_model="This style was made for another version of the model; make it anew from its painting.",
    strength_needed="Expected a number from 0 to 100, as in /strength 70.",
    size_needed="Expected a size from {least} to {most} pixels, or full, as in /size 1280.",
    colors_needed="Expected /colors keep or /colors style.",
    place_needed="Expected a place: {places}, or off.",
    regions_needed="Expected places and styles, as in /regions left the_scream right great_wave.",
    unknown_command="I do not know this command. /help lists them all.",
    no_photo="Send me a photo and I paint it. /help says what else I can do.",
    need_reply_photo="This painting's photo is no longer known; reply to the photo itself.",
    file_too_large="This file has {size} MB; the most I can take is {limit} MB. Send it smaller, or as a photo.",
    too_many_pixels="This picture has {size} megapixels; the most I can take is {limit}. Send it smaller, or as a "
    "photo.",
    too_few_pixels="This picture is too small: it needs at least {least} pixels on each side.",
    photo_unreadable="I cannot read this picture. Send it as JPEG, PNG or WebP, or as a photo.",
    mask_unfit="The mask does not fit: it needs the photo's shape, white where I shall paint.",
    masks_missing="I cannot find people or subjects here; use left, right, top, bottom, radial or a mask of your own.",
    nothing_found="I find no {place} in this photo; paint left, right, top, bottom or the middle, or send a mask of "
    "your own.",
    photo_gone="The photo is gone; send it again.",
    mask_gone="The mask is gone; send it again in reply to the photo.",
    waiting_for_server="The painter is starting again. Your photo is kept and painted as soon as it is back.",
    server_too_slow="That took too long. Try a smaller size: /size 1280.",
    server_gave_up="The painter did not come back in time. Send the photo again later.",
    gave_up="This photo could not be painted after several tries. Send it again, perhaps smaller.",
    refused="The painter refused this: {reason}",
    internal_error="Something went wrong on my side; it has been noted. Please try again.",
    too_many_photos="You have sent {limit} photos within an hour. In {minutes} min there is room for more.",
    queue_full="Too many photos are waiting at the moment; please send yours again in a few minutes.",
    album_too_long="This album is too long: I paint no more than {limit} of its photos, from the beginning.",
    not_allowed="This bot serves only people its owner has listed. Your id is {user}.",
    group_admins_only="Only admins of this group may do that.",
    admins_only="Only admins may see that.",
    stats="Waiting: {waiting}\nPainting: {running}\nPainted within a day: {done}\nFailed within a day: {failed}\n"
    "Chats: {chats}\nSeconds a painting: {seconds}",
    words={
        "colours": "colors",
        "colour": "colors",
        "color": "colors",
        "own": "keep",
        "preserve": "keep",
        "middle": "radial",
        "center": "radial",
        "centre": "radial",
        "people": "person",
        "everywhere": "off",
        "none": "off",
        "strong": "strength",
        "up": "top",
        "upper": "top",
        "lower": "bottom",
        "down": "bottom",
    },
)
