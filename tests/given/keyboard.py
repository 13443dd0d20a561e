"""A page by the keyboard alone: where Tab goes, that one sees it there, and that it is not lost."""

from playwright.async_api import Locator, Page, expect

MOST_STOPS = 60
WHERE = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return {lost: true};
  const box = at.getBoundingClientRect(), style = getComputedStyle(at);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const seen = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  const part = at.closest("header, .q, .work, .decision, dialog");
  const name = part === null ? "" : part.tagName === "HEADER" ? "header" : part.className;
  return {
    lost: false, ring, seen: seen && box.width > 0 && box.height > 0,
    part: name.split(" ")[0], what: at.outerHTML.slice(0, 160),
  };
}"""
PARTS = ("header", "q", "work", "decision")
"""In which order Tab goes through the desk."""


class Keyboard:
    """Presses keys and says what went wrong where the focus is lost, not seen, or jumps."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def press(self, *keys: str) -> None:
        """These, one after the other; afterwards something has the focus."""
        for key in keys:
            await self._page.keyboard.press(key)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self._page.keyboard.type(text)

    async def choose(self, radio: Locator) -> None:
        """Tab to the group of a radio button, none of which is chosen, and go on by arrows."""
        name = await radio.get_attribute("name")
        group = self._page.locator(f"input[type=radio][name='{name}']")
        await self.tab_to(group.first)
        await self.press("Space")
        for _ in range(await group.count()):
            if await radio.is_checked():
                return
            await self.press("ArrowDown")
        raise AssertionError("the arrows do not come to it")

    async def tab_to(self, wanted: Locator, *, back: bool = False) -> None:
        """Tab (or Shift+Tab) until it has the focus, through the parts of the page in order."""
        await expect(wanted).to_be_visible()
        last = len(PARTS) if back else -1
        for _ in range(MOST_STOPS):
            if await wanted.evaluate("(wanted) => wanted === document.activeElement"):
                return
            await self._page.keyboard.press("Shift+Tab" if back else "Tab")
            found = await self._page.evaluate(WHERE)
            assert not found["lost"], "nothing has the focus"
            assert found["ring"], f"one does not see that it has the focus: {found['what']}"
            assert found["seen"], f"it has the focus out of sight: {found['what']}"
            if found["part"] in PARTS:
                at = PARTS.index(found["part"])
                assert at <= last if back else at >= last, f"Tab goes back to {found['what']}"
                last = at
        raise AssertionError(f"{MOST_STOPS} times Tab do not come to it")
