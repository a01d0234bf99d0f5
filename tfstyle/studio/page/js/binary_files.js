// PNG files of masks, and ZIP files of paintings, written without a canvas: some browsers change what is read from one.

const CRC = new Uint32Array(256).map((_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** A PNG of `channels` bytes a pixel, 1 (gray) or 3 (RGB). */
export async function png(values, width, height, channels = 1) {
  const line = width * channels;
  const lines = new Uint8Array(height * (line + 1)); // each begins with its filter: none
  for (let y = 0; y < height; y++) lines.set(values.subarray(y * line, (y + 1) * line), y * (line + 1) + 1);
  const packed = new Blob([lines]).stream().pipeThrough(new CompressionStream("deflate"));
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([8, channels === 1 ? 0 : 2], 8);
  const data = new Uint8Array(await new Response(packed).arrayBuffer());
  const signature = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);
  const parts = [signature, ...chunk("IHDR", header), ...chunk("IDAT", data), ...chunk("IEND", new Uint8Array())];
  return new Blob(parts, { type: "image/png" });
}

function chunk(kind, data) {
  const named = new Uint8Array(4 + data.length);
  named.set(new TextEncoder().encode(kind));
  named.set(data, 4);
  const [length, sum] = [new DataView(new ArrayBuffer(4)), new DataView(new ArrayBuffer(4))];
  length.setUint32(0, data.length);
  sum.setUint32(0, crc32(named));
  return [length, named, sum];
}

/** A ZIP of files [{name, blob}], stored as they are: pictures are compressed already. */
export async function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, blob } of files) {
    const data = new Uint8Array(await blob.arrayBuffer());
    const path = new TextEncoder().encode(name);
    const common = new DataView(new ArrayBuffer(26));
    common.setUint16(0, 20, true);
    common.setUint16(2, 0x0800, true); // names are UTF-8
    common.setUint16(8, 0x21, true); // 1980-01-01, the first day there is
    common.setUint32(10, crc32(data), true);
    common.setUint32(14, data.length, true);
    common.setUint32(18, data.length, true);
    common.setUint16(22, path.length, true);
    parts.push(new Uint8Array([80, 75, 3, 4]), common, path, data);
    const rest = new DataView(new ArrayBuffer(14));
    rest.setUint32(10, offset, true);
    directory.push(new Uint8Array([80, 75, 1, 2, 20, 0]), common, rest, path);
    offset += 30 + path.length + data.length;
  }
  const end = new DataView(new ArrayBuffer(18));
  end.setUint16(4, files.length, true);
  end.setUint16(6, files.length, true);
  end.setUint32(8, new Blob(directory).size, true);
  end.setUint32(12, offset, true);
  return new Blob([...parts, ...directory, new Uint8Array([80, 75, 5, 6]), end], { type: "application/zip" });
}
