// Sentences of the page in its visitor's language.

let texts = {};

/** Load a language and put its sentences where the page has room for them. */
export async function useLanguage(language) {
  texts = await (await fetch(`texts/${language}.json`)).json();
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
    element.title = text(element.dataset.label);
  }
}

/** A sentence by its name, {gaps} filled. */
export function text(name, gaps = {}) {
  const found = name.split(".").reduce((part, key) => part?.[key], texts) ?? name;
  return found.replace(/\{(\w+)\}/g, (_, gap) => gaps[gap]);
}

/** The language to begin with: chosen before, else the browser's, else English. */
export function firstLanguage(languages) {
  const wanted = [new URLSearchParams(location.hash.slice(1)).get("lang"), ...navigator.languages];
  return wanted.map((code) => code?.slice(0, 2).toLowerCase()).find((code) => languages.includes(code)) ?? "en";
}
