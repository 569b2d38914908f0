// Dark and light: as the system says, until the reader chooses.

const THEME_KEY = "fer-client theme";

/** Return "dark" or "light". */
function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Colours that figures need and style sheets cannot give them. */
function themeColours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { text: read("--text"), faint: read("--faint"), line: read("--line") };
}

/** Make the button switch, and call `changed` now and after every change, also before and after printing. */
function watchTheme(changed) {
  const button = byId("theme");
  const show = () => {
    button.textContent = currentTheme() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Show the page in ${button.textContent.toLowerCase()} colours`);
    changed();
  };
  const set = (theme) => {
    document.documentElement.dataset.theme = theme;
    show();
  };
  const stored = storedTheme();
  if (stored) document.documentElement.dataset.theme = stored;
  button.addEventListener("click", () => {
    set(currentTheme() === "dark" ? "light" : "dark");
    storeTheme(currentTheme());
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  let before;
  addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme;
    set("light");
  });
  addEventListener("afterprint", () => {
    if (before) document.documentElement.dataset.theme = before;
    else delete document.documentElement.dataset.theme;
    show();
  });
  show();
}

/** Read the choice; a browser that keeps nothing for files has none. */
function storedTheme() {
  try {
    return localStorage.getItem(THEME_KEY);
  } catch {
    return null;
  }
}

/** Keep the choice where the browser can. */
function storeTheme(theme) {
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // The page works without.
  }
}
