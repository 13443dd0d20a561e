// The pages of the desk, and whose they are.

export interface DeskPage {
  to: string;
  word: string;
  roles: readonly string[];
}

const PAGES: readonly DeskPage[] = [
  { to: "/applications", word: "nav.applications", roles: ["official", "auditor"] },
  { to: "/cases", word: "nav.cases", roles: ["official", "operator", "supervisor", "auditor"] },
  { to: "/parking", word: "nav.parking", roles: ["official", "supervisor", "auditor"] },
  { to: "/signals", word: "nav.signals", roles: ["official", "supervisor", "auditor"] },
  { to: "/approvals", word: "nav.approvals", roles: ["official", "supervisor"] },
  { to: "/faces", word: "nav.faces", roles: ["supervisor", "auditor"] },
];

/** Those that somebody with these roles has. */
export function pagesFor(roles: readonly string[]): DeskPage[] {
  return PAGES.filter((page) => page.roles.some((role) => roles.includes(role)));
}
