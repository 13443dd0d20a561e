// Light or dark, as the phone is set, and when that changes.

/** Follow the phone. */
export function followTheme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => void (document.documentElement.dataset["theme"] = dark.matches ? "dark" : "light");
  dark.addEventListener("change", apply);
  apply();
}
