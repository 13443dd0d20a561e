import applying from "./words/applying.zh";
import departments from "./words/departments.zh";
import home from "./words/home.zh";
import own from "./words/own.zh";

export default { ...home, ...applying, ...own, departments };
