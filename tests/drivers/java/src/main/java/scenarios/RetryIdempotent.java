package scenarios;

import com.datastax.oss.driver.api.core.ConsistencyLevel;
import com.datastax.oss.driver.api.core.context.DriverContext;
import com.datastax.oss.driver.api.core.retry.RetryDecision;
import com.datastax.oss.driver.api.core.retry.RetryPolicy;
import com.datastax.oss.driver.api.core.servererrors.CoordinatorException;
import com.datastax.oss.driver.api.core.servererrors.WriteType;
import com.datastax.oss.driver.api.core.session.Request;

/** Retries on the next node; for programs whose requests are all idempotent. */
public class RetryIdempotent implements RetryPolicy {
  public RetryIdempotent(DriverContext context, String profile) {}

  private static RetryDecision next(int retries) { return retries < 5 ? RetryDecision.RETRY_NEXT : RetryDecision.RETHROW; }

  @Override
  public RetryDecision onReadTimeout(Request r, ConsistencyLevel c, int blockFor, int received, boolean data, int retries) { return next(retries); }

  @Override
  public RetryDecision onWriteTimeout(Request r, ConsistencyLevel c, WriteType type, int blockFor, int received, int retries) { return next(retries); }

  @Override
  public RetryDecision onUnavailable(Request r, ConsistencyLevel c, int required, int alive, int retries) { return next(retries); }

  @Override
  public RetryDecision onRequestAborted(Request r, Throwable error, int retries) { return next(retries); }

  @Override
  public RetryDecision onErrorResponse(Request r, CoordinatorException error, int retries) { return next(retries); }

  @Override
  public void close() {}
}
