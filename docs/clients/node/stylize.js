// Paint a JPEG or PNG photo on a server:  node stylize.js localhost:8500 photo.jpg the_scream > painting.jpg
// In the style of any painting, where the model has a style encoder:  node stylize.js localhost:8500 photo.jpg kiss.jpg
//
// The messages come from serving/protos; nothing is generated. PROTOS names another folder that holds serving/protos.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const PROTOS = process.env.PROTOS ?? fileURLToPath(new URL("../../..", import.meta.url));
const DEADLINE_SECONDS = 60;
const MAX_MESSAGE_BYTES = 512 * 2 ** 20;

// Sent again up to five times, with growing waits, while the server is away or its queue is full.
const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: "0.2s",
        maxBackoff: "5s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE", "UNKNOWN", "CANCELLED"],
      },
    },
  ],
};

function connect(address) {
  const definition = protoLoader.loadSync("serving/protos/services.proto", {
    includeDirs: [PROTOS],
    keepCase: true, // model_spec, not modelSpec
    longs: String, // JavaScript's numbers end at 2^53
  });
  const { PredictionService } = grpc.loadPackageDefinition(definition).tensorflow.serving;
  const service = new PredictionService(address, grpc.credentials.createInsecure(), {
    "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES, // 4 MB by default: less than one painting as PNG
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.per_rpc_retry_buffer_size": MAX_MESSAGE_BYTES, // larger calls are never sent again; 1 MB by default
    "grpc.retry_buffer_size": MAX_MESSAGE_BYTES,
  });
  return { service, close: () => service.close() };
}

function predict({ service }, signature_name, inputs) {
  const request = { model_spec: { name: "tfstyle", signature_name }, inputs };
  const deadline = Date.now() + DEADLINE_SECONDS * 1000;
  return new Promise((resolve, reject) => {
    service.Predict(request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

const shape = (...sizes) => ({ dim: sizes.map((size) => ({ size })) });
const strings = (values, ...sizes) => ({ dtype: "DT_STRING", tensor_shape: shape(...sizes), string_val: values });
const floats = (values, ...sizes) => ({ dtype: "DT_FLOAT", tensor_shape: shape(...sizes), float_val: values });
const bools = (values, ...sizes) => ({ dtype: "DT_BOOL", tensor_shape: shape(...sizes), bool_val: values });

// A server started with --enable_serialization_as_tensor_content puts all lengths first, as varints, and then all bytes.
function readStrings({ tensor_shape, tensor_content, string_val }) {
  if (!tensor_content?.length) return string_val;
  const count = tensor_shape.dim.reduce((product, { size }) => product * Number(size), 1);
  const lengths = [];
  let position = 0;
  while (lengths.length < count) {
    let length = 0;
    let byte;
    let factor = 1;
    do {
      byte = tensor_content[position++];
      length += (byte & 0x7f) * factor;
      factor *= 128;
    } while (byte > 0x7f);
    lengths.push(length);
  }
  return lengths.map((length) => tensor_content.subarray(position, (position += length)));
}

async function stylize(connection, photo, style) {
  const named = !/\.(jpe?g|png)$/i.test(style);
  const answer = await predict(connection, named ? "encoded" : "stylize_vectors", {
    image_bytes: strings([photo], 1), // upright: the model does not read EXIF
    ...(named ? await styleByName(connection, style) : await styleOfPainting(connection, await readFile(style))),
    region_masks: strings([Buffer.alloc(0)], 1, 1), // everywhere
    strength: floats([1], 1),
    preserve_color: bools([false], 1),
    format: strings([Buffer.from("jpeg")], 1),
  });
  return readStrings(answer.outputs.image_bytes)[0];
}

async function styleByName(connection, style) {
  const description = await predict(connection, "describe", {});
  const names = readStrings(description.outputs.style_names).map(String);
  if (!names.includes(style)) throw new Error(`No style named ${style}. Known: ${names.join(", ")}.`);
  const weights = names.map((name) => (name === style ? 1 : 0));
  return { region_weights: floats(weights, 1, 1, names.length) };
}

async function styleOfPainting(connection, painting) {
  const { outputs } = await predict(connection, "encode_style", { image_bytes: strings([painting], 1) });
  const size = outputs.style_vectors.tensor_shape.dim[1].size;
  return { style_vectors: { ...outputs.style_vectors, tensor_shape: shape(1, 1, size) } }; // one region
}

const [address, path, style] = process.argv.slice(2);
if (!style) {
  console.error("usage: node stylize.js HOST:PORT PHOTO STYLE_OR_PAINTING > PAINTING.jpg");
  process.exit(2);
}
const connection = connect(address);
try {
  process.stdout.write(await stylize(connection, await readFile(path), style));
} catch (error) {
  console.error(`stylize.js: ${address}: ${error.details ?? error.message}`);
  process.exitCode = 1;
} finally {
  connection.close();
}
