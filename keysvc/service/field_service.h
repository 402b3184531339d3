// FieldService: encrypts, decrypts and rewraps the values of fields, through the pipeline.
#pragma once

#include <set>

#include "keysvc/service/authorisation.h"
#include "keysvc/service/index_search.h"
#include "keysvc/service/pipeline.h"
#include "keysvc/service/quotas.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxColumns = 64;
inline constexpr std::size_t kMaxItems = 4'096;                     // over all columns of a call
inline constexpr std::size_t kMaxFieldValue = 64 * 1024;            // bytes of a plaintext
inline constexpr std::size_t kMaxCallBytes = std::size_t{4} << 20;  // values, rows and contexts of a call

// Values of one field for one tenant. The views must outlive the call.
struct FieldColumn {
  std::string_view field;
  std::string_view tenant;  // empty: "default"
  std::vector<ByteView> values;
  std::vector<ScalarView> row_parts;  // row_width for each value, value by value
  std::size_t row_width = 0;
  std::vector<BoundColumn> contexts;  // context_width for each value, value by value
  std::size_t context_width = 0;
  SearchTerm match = {};  // Decrypt: what the values must be; kNothing: whatever they are
};

enum class ItemFailure : std::uint8_t { kDecryptFailed = 1, kKeyDisabled = 2, kNoMatch = 3 };

struct ColumnOutput {
  std::vector<std::string> values;                              // one a value asked; empty where it failed
  std::vector<std::pair<std::uint32_t, ItemFailure>> failures;  // by ascending index
  std::vector<IndexColumnOutput> indexes;                       // tokens, of what the caller may have made
  std::map<audit::ItemReason, std::uint64_t> reasons;           // of failures, for the audit record alone
  std::set<std::uint64_t> keys;                                 // ids of the data keys used, for the same

  bool Failed(std::size_t item) const;
  // Wipes the value. For one that has not failed yet.
  void Fail(std::size_t item, ItemFailure failure);
};

inline constexpr std::size_t kMaxQueries = 256;                      // searches of one call
inline constexpr std::size_t kMaxTokensOfSearches = 65'536;          // over all searches of a call and all versions
inline constexpr std::size_t kMaxTokenBytes = std::size_t{8} << 20;  // of what a call writes
inline constexpr std::size_t kMaxSlowTokens = 16;                    // of slow indexes, in one call

// One search.
struct IndexQuery {
  std::string_view field;
  std::string_view tenant;  // empty: "default"
  SearchTerm term;
};

using IndexAnswers = std::vector<std::vector<VersionTokens>>;  // one a query, by version

struct FieldOutput {
  std::vector<ColumnOutput> columns;
  std::uint64_t rewrapped = 0;
};

// Thread-safe. kInvalidArgument, with a path like "columns[0].values[3]", for an unknown field or tenant, a broken
// limit (audit::kMaxNamesBytes for the names of fields, and of tenants, is one), a row or context that is not as
// declared, or a value that an index cannot take; then nothing was done.
// kResourceExhausted: the caller's quota for an index is used up.
class FieldService {
 public:
  FieldService(const Pipeline& pipeline, const Clock& clock, const Barrier& barrier, const Quotas::Limits& limits = {})
      : pipeline_(pipeline), clock_(clock), barrier_(barrier), quotas_(clock, limits) {}

  Result<FieldOutput> Encrypt(const Caller& caller, const std::vector<FieldColumn>& columns) const;
  Result<FieldOutput> Decrypt(const Caller& caller, const std::vector<FieldColumn>& columns) const;
  // `with_tokens`: those of the rows too, when the caller may make tokens.
  Result<FieldOutput> Rewrap(const Caller& caller, const std::vector<FieldColumn>& columns,
                             bool with_tokens = false) const;
  Result<IndexAnswers> Search(const Caller& caller, const std::vector<IndexQuery>& queries) const;

  // True when a call over these columns is short and waits for nothing, so that it may run on a transport's thread.
  // `makes_keys`: the call encrypts.
  bool IsQuick(const std::vector<FieldColumn>& columns, bool makes_keys) const;
  // The same for searches.
  bool IsQuickSearch(const std::vector<IndexQuery>& queries) const;
  // True when a field of these names has a slow index, whose tokens take a hundred milliseconds and as many MiB each.
  bool UsesSlowIndex(const std::vector<std::string_view>& fields) const;

  // Pipeline::Reject.
  Error Reject(const Caller& caller, policy::Operation operation, Error error) const {
    return pipeline_.Reject(caller, operation, std::move(error));
  }

 private:
  // What the searches of a call came to so far.
  struct SearchWork {
    std::size_t slow = 0;
    std::size_t tokens = 0;
  };
  struct ResolvedQuery {
    const policy::IndexRule* index = nullptr;  // in the view
    TenantUuid tenant;
    std::string name;  // the field's and the index's
  };
  static Result<ResolvedQuery> ResolveQuery(Unsealed& unsealed, const policy::CatalogView& view,
                                            const IndexQuery& query);
  static Result<std::vector<ResolvedQuery>> ResolveQueries(Unsealed& unsealed, const policy::CatalogView& view,
                                                           const std::vector<IndexQuery>& queries, CallRecord& record);
  Result<std::vector<VersionTokens>> SearchOne(Unsealed& unsealed, const Caller& caller, const ResolvedQuery& query,
                                               const SearchTerm& term, SearchWork& work) const;

  const Pipeline& pipeline_;
  const Clock& clock_;
  const Barrier& barrier_;
  mutable Quotas quotas_;
};

}  // namespace coffer::keysvc
