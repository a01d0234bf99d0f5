// Where photos come from: chosen, dropped, pasted, taken with a camera, or the sample.

const element = (id) => document.getElementById(id);

/** @param on {files(list), failed(code)} */
export function watchSources(on) {
  const file = element("file");
  element("choose").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    on.files([...file.files]);
    file.value = ""; // so that the same file can be chosen again
  });
  element("sample").addEventListener("click", async () => {
    const data = await (await fetch("sample.jpg")).blob();
    on.files([new File([data], "astronaut.jpg", { type: "image/jpeg" })]);
  });

  let depth = 0; // of elements that are dragged over
  const hint = element("drop-hint");
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => holds(event) && (hint.hidden = !++depth));
  addEventListener("dragleave", (event) => holds(event) && (hint.hidden = !--depth));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    [depth, hint.hidden] = [0, true];
    if (event.dataTransfer.files.length) on.files([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (files.length) on.files(files);
  });
  watchCamera(on);
}

function watchCamera(on) {
  const [dialog, video] = [element("camera"), element("camera-video")];
  const take = element("camera-take");
  let stream = null;
  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = video.srcObject = null;
  };
  dialog.addEventListener("close", stop);
  element("camera-cancel").addEventListener("click", () => dialog.close());
  element("take").addEventListener("click", async () => {
    try {
      const size = { ideal: 4096 };
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: size, height: size } });
    } catch {
      return on.failed("camera");
    }
    take.disabled = true; // until there is a picture
    video.addEventListener("loadeddata", () => { take.disabled = false; }, { once: true });
    video.srcObject = stream;
    dialog.showModal();
    video.play().catch(() => {}); // closed before it ran
  });
  take.addEventListener("click", async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
    dialog.close();
    on.files([new File([blob], "camera.jpg", { type: "image/jpeg" })]);
  });
}
