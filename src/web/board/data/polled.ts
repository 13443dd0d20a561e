// A read of the API that is asked for again while somebody looks, and at once when the minute changes.

import { onScopeDispose, watch } from "vue";
import { useLoaded, type Loaded } from "../../shared/loading";
import { useTime } from "./time";

/** Again every `seconds`; while the board looks back only when it looks at another minute. */
export function usePolled<Data>(read: () => Promise<Data>, seconds: number): Loaded<Data> {
  const time = useTime();
  const loaded = useLoaded(read);
  const timer = setInterval(() => {
    if (!document.hidden && !time.past) void loaded.again();
  }, seconds * 1000);
  onScopeDispose(() => clearInterval(timer));
  watch(() => time.minute, () => void loaded.again());
  return loaded;
}
