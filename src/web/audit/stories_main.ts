import { tell } from "../shared/stories";
import { client } from "./client";
import { stories } from "./stories";

void tell(client, stories);
