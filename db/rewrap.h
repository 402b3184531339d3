// A column of a live table brought to the primary key version, whoever reads and writes it meanwhile.
//
// What is left to do is what the stored headers say, so nothing else is kept, and a run that was killed goes on where
// it was. A value is replaced only while it still is the one that was read: others win. What was changed meanwhile is
// read once more, and then left for the next pass; passes go on until one finds nothing to do. Each pass asks the
// service anew which key is the present one, so a rotation meanwhile is noticed. While the service has a page or two,
// the database reads and writes others.
#pragma once

#include <array>
#include <functional>

#include "db/rewrap_call.h"
#include "io/clock.h"

namespace coffer::db {

struct RewrapOptions {
  std::size_t batch = kMaxPage;      // values of a page: 1 to kMaxPage
  std::uint64_t max_rate = 0;        // values replaced a second; 0: no limit
  std::uint64_t max_failed = 100;    // of one pass; above that it ends there
  std::uint32_t max_passes = 10;     // at least 2
  std::size_t failed_rows_kept = 0;  // keys of failed values in the report
};

struct RewrapPorts {
  RewrapCall rewrap;  // called by several threads at a time; the rest is not
  // The same column, opened once more each: they replace pages at a time, each in its own thread. Empty: `rows` does.
  std::vector<CipherRows*> writers;
  const Clock* clock = nullptr;
  std::function<void(std::int64_t micros)> pause;
  std::function<void(std::uint64_t values)> progress;  // values that a pass has seen so far
};

// What ended a run: the database, or the service. One of them.
struct RewrapError {
  explicit RewrapError(const Error& error) : database(error) {}
  explicit RewrapError(const client::RpcError& error) : service(error) {}

  std::optional<Error> database;
  std::optional<client::RpcError> service;
};
template <typename T>
using RewrapResult = client::Expected<T, RewrapError>;

struct FailedRow {
  RowKey key;
  RewrapFault fault = RewrapFault::kUndecryptable;
};

struct RewrapReport {
  std::uint32_t passes = 0;
  std::uint64_t values = 0;     // seen by the first pass
  std::uint64_t current = 0;    // of them: needed nothing
  std::uint64_t rewrapped = 0;  // replaced, by all passes
  std::uint64_t conflicts = 0;  // not replaced since another program was first, or held the row; in all passes
  // The last pass's:
  std::uint64_t left = 0;  // conflicts and failed values: not under the primary version
  std::array<std::uint64_t, kRewrapFaults> failed = {};
  std::vector<FailedRow> failed_rows;
  bool too_many_failed = false;  // it ended early
  bool settled = false;          // the last pass found nothing to replace but what is left

  std::uint64_t FailedInAll() const;
};

// Errors of `rows`, but for a batch whose rows are locked, and of the service end it; what was replaced until then
// stays.
RewrapResult<RewrapReport> RewrapColumn(CipherRows& rows, const EncryptedColumn& column, const RewrapOptions& options,
                                        const RewrapPorts& ports);

}  // namespace coffer::db
