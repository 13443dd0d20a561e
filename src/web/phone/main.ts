import { run } from "../shared/client";
import { client } from "./client";

void run(client);
