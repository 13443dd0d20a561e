// The same words in traditional characters: made from the simplified ones by the build.

import applying from "./words/applying.zh?hant";
import departments from "./words/departments.zh?hant";
import home from "./words/home.zh?hant";
import own from "./words/own.zh?hant";

export default { ...home, ...applying, ...own, departments };
