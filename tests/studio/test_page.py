"""The page in a real browser: what people do with it, and what they report of such pages."""

import io
import zipfile

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from tests.studio.conftest import SCREAM, STARRY, WAVE, encoded, gray_photo

GRAY = (128, 128, 128)


def near(color, other, tolerance=3) -> bool:
    return bool(np.abs(np.asarray(color, float) - np.asarray(other, float)).max() <= tolerance)


def is_painted(painting: np.ndarray, x: float, y: float, color=STARRY) -> bool:
    height, width = painting.shape[:2]
    return near(painting[min(height - 1, int(y * height)), min(width - 1, int(x * width))], color)


def open_gray(page, width: int, height: int, **options) -> None:
    page.open(encoded(gray_photo(width, height)), size=(width, height), **options)


# A mask lands where it was drawn


@pytest.mark.parametrize(("width", "height"), [(300, 1200), (1600, 320), (900, 700)], ids=["tall", "wide", "usual"])
def test_a_dab_lands_where_it_was_drawn(page, width, height):
    open_gray(page, width, height)
    page.tool("brush")
    page.slide("softness", 0)
    page.slide("size", 20)
    places = [(0.5, 0.06), (0.12, 0.5), (0.9, 0.94)]
    for place in places:
        page.drag(place, place)
    painting = page.painting()

    assert painting.shape == (height, width, 3)
    for place in places:
        assert is_painted(painting, *place)
    painted = np.argwhere((painting == STARRY).all(axis=2))
    for y, x in painted:  # and nowhere else than within the brush
        nearest = min(np.hypot(x - px * width, y - py * height) for px, py in places)
        assert nearest <= 10 / (page.box()[2] / width) + 1.5


@pytest.mark.parametrize("orientation", [3, 5, 6, 8])
def test_a_dab_lands_where_it_was_drawn_on_a_photo_turned_by_exif(page, orientation):
    stored = gray_photo(400, 240)
    stored.paste((250, 250, 250), (0, 0, 100, 60))  # marks a corner
    exif = Image.Exif()
    exif[0x0112] = orientation
    size = (240, 400) if orientation >= 5 else (400, 240)
    page.open(encoded(stored, "jpeg", quality=100, exif=exif), "turned.jpg", size=size)
    page.tool("brush")
    page.drag((0.8, 0.9), (0.8, 0.9))
    painting = page.painting()

    assert painting.shape[:2] == size[::-1]
    assert is_painted(painting, 0.8, 0.9)
    corner = {3: (0.95, 0.95), 5: (0.05, 0.05), 6: (0.95, 0.05), 8: (0.05, 0.95)}[orientation]
    assert is_painted(painting, *corner, (250, 250, 250))
    assert near(page.shown(*corner), (250, 250, 250), 6)


@pytest.mark.parametrize("density", [1.25, 3])
def test_a_dab_lands_where_it_was_drawn_on_dense_screens(page_in, density):
    page = page_in(device_scale_factor=density, viewport={"width": 1013, "height": 611})
    open_gray(page, 800, 600)
    page.tool("brush")
    page.slide("size", 20)
    page.drag((0.25, 0.75), (0.25, 0.75))
    painting = page.painting()

    assert is_painted(painting, 0.25, 0.75)
    assert near(page.shown(0.25, 0.75), STARRY)
    rows, columns = np.nonzero((painting != 128).any(axis=2))
    assert abs(rows.mean() - 450) < 2
    assert abs(columns.mean() - 200) < 2


def test_a_dab_lands_under_the_pointer_after_zooming_in(page):
    open_gray(page, 800, 600)
    page.tool("brush")
    page.slide("size", 40)
    page.page.mouse.move(*page.at(0.3, 0.4))
    for _ in range(5):
        page.page.mouse.wheel(0, -300)
    page.drag((0.3, 0.4), (0.3, 0.4))  # the place under the pointer stays
    painting = page.painting()

    rows, columns = np.nonzero((painting != 128).any(axis=2))
    assert abs(rows.mean() - 239.5) <= 1
    assert abs(columns.mean() - 239.5) <= 1
    assert np.ptp(columns) < 5  # the brush is of the screen, so it draws finer in what is larger


def test_a_stroke_goes_on_where_the_pointer_is_though_the_window_is_resized_meanwhile(page):
    open_gray(page, 800, 600)
    page.tool("brush")
    page.page.mouse.move(*page.at(0.2, 0.2))
    page.page.mouse.down()
    page.page.mouse.move(*page.at(0.4, 0.2), steps=5)
    page.page.set_viewport_size({"width": 1000, "height": 620})
    page.settle()
    page.page.mouse.move(*page.at(0.4, 0.2))
    page.page.mouse.move(*page.at(0.8, 0.2), steps=5)
    page.page.mouse.up()
    painting = page.painting()

    assert all(is_painted(painting, x, 0.2) for x in (0.2, 0.3, 0.5, 0.7, 0.8))
    assert not is_painted(painting, 0.5, 0.5)


def test_a_second_photo_gets_a_brush_of_its_own_size(page):
    open_gray(page, 1600, 1200)
    page.page.click("[data-tool=brush]")
    page.slide("softness", 0)
    page.slide("size", 60)
    open_gray(page, 400, 300)
    page.drag((0.5, 0.5), (0.5, 0.5))
    painting = page.painting()

    diameter = 60 / (page.box()[2] / 400)
    assert np.ptp(np.nonzero((painting != 128).any(axis=2))[1]) == pytest.approx(diameter, abs=2)


@pytest.mark.parametrize("width", [200, 2400])
def test_the_ring_is_as_large_as_the_brush_on_the_screen(page, width):
    open_gray(page, width, width // 2)
    page.tool("brush")
    page.slide("size", 90)
    page.page.mouse.move(*page.at(0.5, 0.5))
    ring = page.page.locator("#ring").bounding_box()

    assert (ring["width"], ring["height"]) == (90, 90)
    assert ring["x"] + 45 == pytest.approx(page.at(0.5, 0.5)[0], abs=0.6)
    assert ring["y"] + 45 == pytest.approx(page.at(0.5, 0.5)[1], abs=0.6)


def test_a_soft_brush_fades_and_a_hard_one_does_not(page):
    open_gray(page, 800, 600)
    page.tool("brush")
    page.slide("size", 120)
    shares = []
    for softness in (0, 100):
        page.slide("softness", softness)
        page.drag((0.5, 0.5), (0.5, 0.5))
        values = page.painting()[300, :, 2].astype(int)
        shares.append(int(((values > 132) & (values < 156)).sum()))
        page.click("#undo")

    assert shares[0] <= 4
    assert shares[1] > 20


# Taking back


def test_what_was_drawn_can_be_erased_undone_redone_and_cleared(page):
    open_gray(page, 400, 300)
    page.tool("brush")
    page.drag((0.2, 0.5), (0.8, 0.5))
    page.tool("eraser")
    page.drag((0.5, 0.5), (0.5, 0.5))
    assert [near(page.shown(x, 0.5), STARRY) for x in (0.2, 0.5, 0.8)] == [True, False, True]

    page.click("#undo")
    assert near(page.shown(0.5, 0.5), STARRY)
    page.click("#redo")
    assert near(page.shown(0.5, 0.5), GRAY)
    page.page.keyboard.press("Control+z")
    assert near(page.shown(0.5, 0.5), STARRY)

    page.click("#invert")
    assert near(page.shown(0.5, 0.5), GRAY)
    assert near(page.shown(0.5, 0.1), STARRY)
    page.click("#fill")
    assert near(page.shown(0.5, 0.5), STARRY)
    page.click("#clear")
    assert near(page.shown(0.5, 0.1), GRAY)
    assert (page.painting() == 128).all()
    page.click("#everywhere")
    assert near(page.shown(0.5, 0.1), STARRY)


def test_who_begins_with_the_eraser_keeps_the_rest_painted(page):
    open_gray(page, 400, 300)
    page.tool("eraser")
    page.drag((0.5, 0.5), (0.5, 0.5))
    painting = page.painting()

    assert is_painted(painting, 0.5, 0.5, GRAY)
    assert is_painted(painting, 0.1, 0.1)


def test_a_gradient_runs_from_where_the_drag_began_to_where_it_ended(page):
    open_gray(page, 400, 300)
    page.tool("gradient")
    page.drag((0.25, 0.5), (0.75, 0.5))
    painting = page.painting()

    assert is_painted(painting, 0.1, 0.5)
    assert is_painted(painting, 0.9, 0.5, GRAY)
    assert near(painting[150, 200], np.add(STARRY, GRAY) / 2, 4)


def test_a_part_that_was_found_is_painted(page):
    page.click("#sample")
    page.expect(page.page.locator("#strip canvas")).to_have_count(1)
    page.aspect = 1.0
    page.click("#segment-person")
    page.expect(page.page.locator("#segment-person")).to_be_enabled()

    assert near(page.shown(0.45, 0.8), STARRY)
    assert not near(page.shown(0.95, 0.05), STARRY, 40)


# What is painted


def test_strength_colours_and_mixes_are_seen_and_saved(page):
    open_gray(page, 400, 300)
    page.style("the_scream")
    assert near(page.shown(0.5, 0.5), SCREAM)
    page.slide("strength", 50)
    half = np.add(SCREAM, GRAY) / 2
    assert near(page.shown(0.5, 0.5), half)
    assert is_painted(page.painting(), 0.5, 0.5, half)
    page.slide("strength", 100)

    page.click("#mixing")
    page.style("great_wave")
    page.page.locator("[data-weight=great_wave]").fill("100")
    page.settle()
    mixed = np.add(SCREAM, WAVE) / 2
    assert near(page.shown(0.5, 0.5), mixed)
    assert is_painted(page.painting(), 0.5, 0.5, mixed)

    page.page.check("#keep-colors")
    page.settle()
    red, green, blue = page.shown(0.5, 0.5)
    assert max(red, green, blue) - min(red, green, blue) <= 2  # a gray photo stays gray


def test_brushes_paint_a_style_each(page):
    open_gray(page, 400, 300)
    page.click("#add-region")
    page.style("the_scream")
    page.drag((0.75, 0.5), (0.75, 0.5))

    assert near(page.shown(0.75, 0.5), SCREAM)
    assert near(page.shown(0.25, 0.5), STARRY)  # which was there before
    painting = page.painting()
    assert is_painted(painting, 0.75, 0.5, SCREAM)
    assert is_painted(painting, 0.25, 0.5)

    page.click("#drop-region")
    assert near(page.shown(0.75, 0.5), GRAY, 120)


def test_before_and_after_are_compared_at_the_divider(page):
    open_gray(page, 400, 300)
    page.click("#compare")
    page.slide("divider", 300)

    assert near(page.shown(0.1, 0.5), GRAY)
    assert near(page.shown(0.6, 0.5), STARRY)


def test_a_late_answer_does_not_overtake_a_newer_one(page):
    open_gray(page, 400, 300)
    held = []

    def hold_the_scream(route):
        if '"the_scream"' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.page.route("**/painting", hold_the_scream)
    page.page.click("[data-style=the_scream]")
    page.page.wait_for_timeout(100)
    page.style("great_wave")
    assert near(page.shown(0.5, 0.5), WAVE)
    for route in held:
        route.continue_()
    page.page.wait_for_timeout(300)

    assert held
    assert near(page.shown(0.5, 0.5), WAVE)
    page.page.unroute("**/painting")


def test_a_slider_that_moves_is_followed_and_ends_where_it_stops(page, predictor):
    open_gray(page, 1500, 1200)
    before = len(predictor.calls)
    page.page.locator("#stroke").evaluate(
        """async (input) => {
            for (let value = 0; value <= 10; value++) {
                input.value = value;
                input.dispatchEvent(new Event("input"));
                await new Promise((resolve) => setTimeout(resolve, 15));
            }
            input.dispatchEvent(new Event("change"));
        }"""
    )
    page.settle()
    sizes = [Image.open(io.BytesIO(inputs["image_bytes"][0])).size for _, inputs in predictor.calls[before:]]

    assert sizes[-1] == (715, 572)  # strokes twice as broad: painted at half the size
    assert len(sizes) < 12  # not one for each step


# Files


@pytest.mark.parametrize("format", ["jpeg", "png"])
def test_what_is_downloaded_has_the_photos_size(page, format):
    open_gray(page, 3000, 2000)
    page.page.select_option("#format", format)
    name, data = page.download()
    image = Image.open(io.BytesIO(data))

    assert (image.size, image.format) == ((3000, 2000), format.upper())
    assert name == f"photo.starry_night.{'jpg' if format == 'jpeg' else 'png'}"
    page.expect(page.page.locator("#status")).to_contain_text(name)


def test_several_photos_are_saved_together_each_with_its_own_mask(page):
    open_gray(page, 200, 150)
    page.tool("brush")
    page.drag((0.5, 0.5), (0.5, 0.5))
    open_gray(page, 160, 200)
    page.page.select_option("#format", "png")
    _, data = page.download("#download-all")
    archive = zipfile.ZipFile(io.BytesIO(data))
    first, second = (np.asarray(Image.open(archive.open(name))) for name in archive.namelist())

    assert archive.testzip() is None
    assert (
        archive.namelist() == ["photo.starry_night.png", "photo_1.starry_night.png"]
        or len(set(archive.namelist())) == 2
    )
    assert is_painted(first, 0.5, 0.5)
    assert is_painted(first, 0.02, 0.02, GRAY)
    assert is_painted(second, 0.02, 0.02)


def test_a_heic_photo_of_a_phone_opens(page):
    heif = pillow_heif.from_pillow(gray_photo(320, 240))
    buffer = io.BytesIO()
    heif.save(buffer, quality=90)
    page.open(buffer.getvalue(), "IMG_0001.HEIC", size=(320, 240))

    assert near(page.shown(0.5, 0.5), STARRY)
    assert page.painting().shape == (240, 320, 3)


def test_a_photo_is_dropped_or_pasted(page):
    for kind in ("drop", "paste"):
        before = page.page.locator("#strip canvas").count()
        page.page.evaluate(
            """([kind, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], `${kind}.png`, {type: "image/png"}));
                const event = kind === "drop" ? new DragEvent("drop", {dataTransfer: transfer, cancelable: true})
                    : new ClipboardEvent("paste", {clipboardData: transfer});
                window.dispatchEvent(event);
            }""",
            [kind, list(encoded(gray_photo(64, 48)))],
        )
        page.expect(page.page.locator("#strip canvas")).to_have_count(before + 1)


def test_a_photo_is_taken_with_the_camera(page):
    page.page.click("#take")
    page.expect(page.page.locator("#camera")).to_be_visible()
    page.page.click("#camera-take")
    page.expect(page.page.locator("#strip canvas")).to_have_count(1)
    page.expect(page.page.locator("#camera")).to_be_hidden()


def test_a_link_carries_the_settings(page, page_in):
    page.style("great_wave")
    page.slide("strength", 40)
    page.slide("stroke", 10)
    page.page.check("#keep-colors")
    page.click("#share")
    link = page.page.evaluate("location.href")
    other = page_in(link)

    assert other.page.locator("[data-style=great_wave]").get_attribute("aria-pressed") == "true"
    assert other.page.input_value("#strength") == "40"
    assert other.page.input_value("#stroke") == "10"
    assert other.page.is_checked("#keep-colors")


def test_a_link_with_nonsense_is_a_page_with_defaults(page):
    page.load("#style=<b>:9,starry_night:1e9;__proto__:4&strength=abc&stroke=99&lang=xx")

    assert page.page.locator("[data-style=starry_night]").get_attribute("aria-pressed") == "true"
    assert page.page.input_value("#strength") == "100"
    assert page.page.input_value("#stroke") == "10"


# Hands, keys, ears


@pytest.fixture
def phone(page_in):
    """The page on a phone, with a function that says what fingers do."""
    page = page_in(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=3)
    session = page.page.context.new_cdp_session(page.page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        # Chromium takes the touch away from a page that is too busy to answer it, as one is beside other tests.
        page.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    return page, touch


def test_a_finger_draws_on_a_phone_and_the_page_stays_where_it_is(phone):
    page, touch = phone
    open_gray(page, 600, 900)
    page.tool("brush")
    touch("touchStart", page.at(0.5, 0.9))
    for step in range(1, 9):
        touch("touchMove", page.at(0.5, 0.9 - step * 0.1))
    touch("touchEnd")
    page.settle()

    assert page.page.evaluate("[scrollX, scrollY, document.getElementById('panel').scrollTop]") == [0, 0, 0]
    painting = page.painting()
    assert all(is_painted(painting, 0.5, y) for y in (0.15, 0.5, 0.85))
    assert not is_painted(painting, 0.9, 0.5)


def test_two_fingers_zoom_and_paint_nothing(phone):
    page, touch = phone
    open_gray(page, 600, 900)
    page.tool("brush")
    x, y = page.at(0.5, 0.5)
    touch("touchStart", (x - 20, y))
    touch("touchStart", (x - 20, y), (x + 20, y))
    for spread in (30, 40, 50, 60):
        touch("touchMove", (x - spread, y), (x + spread, y))
    touch("touchEnd")
    page.settle()

    assert page.page.locator("#fit").inner_text() == "300 %"
    assert page.page.locator("#undo").is_disabled()


def test_all_of_it_is_done_by_keyboard(page):
    open_gray(page, 400, 300)
    page.page.focus("#canvas")
    for key in ("b", "]", " ", "Shift+ArrowRight", "Shift+ArrowRight", " "):
        page.page.keyboard.press(key)
    page.settle()
    assert near(page.shown(0.5, 0.5), STARRY)
    assert near(page.shown(0.05, 0.5), GRAY)
    page.page.keyboard.press("i")
    assert near(page.shown(0.05, 0.5), STARRY)
    page.page.keyboard.press("+")
    assert page.page.locator("#fit").inner_text() == "150 %"
    page.page.keyboard.press("0")
    page.page.keyboard.press("c")
    assert page.page.locator("#divider").is_visible()


def test_drawing_on_a_large_photo_does_not_lag(page):
    open_gray(page, 4000, 3000)
    page.tool("brush")
    page.slide("size", 150)
    seconds = page.page.evaluate(
        """async ([left, top, width, height]) => {
            const canvas = document.getElementById("canvas");
            const send = (kind, part) => canvas.dispatchEvent(new PointerEvent(kind, {
                pointerId: 1, bubbles: true, clientX: left + part * width, clientY: top + 0.5 * height}));
            canvas.setPointerCapture = () => {};
            send("pointerdown", 0.1);
            let longest = 0;
            for (let n = 1; n <= 40; n++) {
                const began = performance.now();
                send("pointermove", 0.1 + n * 0.02);
                longest = Math.max(longest, performance.now() - began);
                await new Promise(requestAnimationFrame);
            }
            send("pointerup", 0.9);
            return longest / 1000;
        }""",
        page.box(),
    )
    assert seconds < 0.1, "a move of the pointer is drawn before the next one comes"


# What goes wrong


def test_what_is_no_photo_is_refused_in_a_sentence_and_the_page_goes_on(page):
    page.page.set_input_files("#file", {"name": "letter.txt", "mimeType": "text/plain", "buffer": b"Dear Sir"})
    page.expect(page.page.locator("#error")).to_contain_text("letter.txt cannot be opened")
    page.complaints.clear()  # the browser itself tells that a request was refused
    open_gray(page, 64, 48)
    assert page.page.locator("#error").is_hidden()


def test_a_download_that_fails_leaves_a_button_that_works(page):
    """As when a laptop slept, or a tab was long in the background."""
    open_gray(page, 200, 150)
    session = page.page.context.new_cdp_session(page.page)
    page.page.route("**/download", lambda route: route.abort())
    page.page.click("#download")
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    session.send("Page.setWebLifecycleState", {"state": "active"})
    page.expect(page.page.locator("#error")).to_contain_text("Is it still running?")
    page.expect(page.page.locator("#download")).to_be_enabled()
    page.page.unroute("**/download")
    page.complaints.clear()

    assert page.painting().shape == (150, 200, 3)


def test_a_photo_that_the_server_forgot_is_sent_again(page):
    open_gray(page, 200, 150)
    token = page.page.evaluate("JSON.parse(document.querySelector('meta[name=tfstyle]').content).token")
    requests = []
    page.page.on("request", lambda request: requests.append(request.url))
    page.style("the_scream")
    key = next(url for url in requests if "/painting" in url).split("/")[-2]
    page.page.evaluate(
        "([key, token]) => fetch(`api/photos/${key}`, {method: 'DELETE', headers: {'X-Studio-Token': token}})",
        [key, token],
    )
    page.style("great_wave")
    page.complaints.clear()

    assert near(page.shown(0.5, 0.5), WAVE)


# The page itself


@pytest.mark.parametrize(
    ("locale", "said"), [("de-AT", "Foto wählen"), ("es", "Elegir una foto"), ("fi", "Choose a photo")]
)
def test_it_speaks_its_visitors_language(page_in, locale, said):
    page = page_in(locale=locale)
    assert page.page.locator("#choose").inner_text() == said
    page.page.select_option("#language", "de")
    page.expect(page.page.locator("#choose")).to_have_text("Foto wählen")
    page.expect(page.page.locator("html")).to_have_attribute("lang", "de")


def test_it_says_that_photos_stay_here_and_asks_nobody_else(page):
    asked = []
    page.page.on("request", lambda request: asked.append(request.url))
    page.load()
    open_gray(page, 64, 48)

    page.expect(page.page.locator("#promise")).to_have_text("Your photos stay on this computer.")
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {page.url.split("/")[2]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(page_in, node_modules, scheme, width):
    page = page_in(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
    page.page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")

    def faults() -> list[str]:
        found = page.page.evaluate("axe.run()")["violations"]
        return [
            f"{fault['id']}: {node['html'][:150]}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]

    assert faults() == []
    open_gray(page, 200, 150)
    page.click("#add-region")
    page.click("#mixing")
    page.click("#compare")
    assert faults() == []


def test_it_is_small(page):
    sizes = []
    page.page.on("response", lambda response: sizes.append(len(response.body())))
    page.load()

    assert sum(sizes) < 300_000
