// Carries a photo's mask operations out at full size, away from the page.

import { png } from "./binary_files.js";
import { Masks } from "./mask.js";

self.onmessage = async ({ data: { width, height, photoWidth, regions, operations } }) => {
  const masks = new Masks(width, height, photoWidth, regions);
  masks.replay(operations);
  self.postMessage(await Promise.all(masks.values.map((values) => png(values, width, height))));
};
