// The last request wins: an answer that comes late is never shown over a newer one.

export class Latest {
  #controller = null;
  #waiting = null;
  #soft = false;

  /** Run a task, and give up the one before it; its result is undefined where a newer one came. */
  async run(task) {
    this.#controller?.abort();
    this.#waiting?.resolve(undefined);
    this.#waiting = null;
    return this.#start(task, false);
  }

  /**
   * Run a task while a slider moves: let one that is under way end first, so that there is something to see, and of those
   * that wait run the newest only.
   */
  async follow(task) {
    if (this.#controller && this.#soft) {
      this.#waiting?.resolve(undefined);
      return new Promise((resolve, reject) => {
        this.#waiting = { task, resolve, reject };
      });
    }
    this.#controller?.abort();
    return this.#start(task, true);
  }

  async #start(task, soft) {
    const controller = new AbortController();
    [this.#controller, this.#soft] = [controller, soft];
    try {
      const result = await task(controller.signal);
      return controller.signal.aborted ? undefined : result;
    } catch (error) {
      if (controller.signal.aborted) return undefined;
      throw error;
    } finally {
      if (this.#controller === controller) {
        this.#controller = null;
        const next = this.#waiting;
        this.#waiting = null;
        if (next) this.#start(next.task, true).then(next.resolve, next.reject);
      }
    }
  }
}
