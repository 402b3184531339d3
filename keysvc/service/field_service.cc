#include "keysvc/service/field_service.h"

#include <algorithm>

#include "crypto/names.h"
#include "keysvc/service/field_indexes.h"
#include "keysvc/service/field_matches.h"

namespace coffer::keysvc {
namespace {

constexpr std::size_t kQuickItems = 64;
constexpr std::size_t kQuickBytes = 64 * 1024;

enum class FieldWork : std::uint8_t { kEncrypt, kDecrypt, kRewrap };

// The columns of one call, resolved.
struct CallColumns {
  std::shared_ptr<const policy::CatalogView> view;  // the works point into it
  std::vector<ColumnWork> works;
};

// A bad request does nothing: not even a tenant's first data key is made for it.
Status CheckBeforeFirstKey(CallColumns& call, const std::vector<FieldColumn>& columns, FieldWork field_work) {
  const bool makes_key = std::any_of(call.works.begin(), call.works.end(), [](const ColumnWork& work) {
    return work.NeedsDataKey() || work.NeedsIndexKey();
  });
  if (!makes_key) return {};
  for (ColumnWork& work : call.works) COFFER_TRY(work.CheckEncryptable());
  if (field_work != FieldWork::kEncrypt) return {};
  return CheckIndexable(columns, call.works, [&](std::size_t column, std::size_t item) {
    return std::optional<ByteView>(columns[column].values[item]);
  });
}

// What a call is about, for its record: each name once. A list that does not fit is refused, never cut: a field that
// is missing there was read unseen.
class CallNames {
 public:
  // The lists, which begin anew.
  CallNames(std::string& object, std::string& tenant) : object_(object), tenant_(tenant) {
    object_.clear();
    tenant_.clear();
  }
  explicit CallNames(CallRecord& record) : CallNames(record.object, record.tenant) {}
  // A tenant without a name's form is written as "?".
  Status Add(std::string_view object, std::string_view tenant) {
    COFFER_TRY(Add(object, objects_, object_));
    if (tenant.empty()) tenant = kDefaultTenant;
    return Add(IsSlug(tenant) ? tenant : std::string_view("?"), tenants_, tenant_);
  }

 private:
  using Names = std::set<std::string, std::less<>>;
  static Status Add(std::string_view name, Names& names, std::string& list) {
    if (names.contains(name)) return {};
    if (list.size() + 1 + name.size() > audit::kMaxNamesBytes) {
      return Error(ErrorCode::kInvalidArgument,
                   "the call names more fields or tenants than its audit record holds: make several calls")
          .WithLimit(audit::kMaxNamesBytes);
    }
    names.emplace(name);
    list.append(list.empty() ? "" : ",").append(name);
    return {};
  }
  std::string& object_;
  std::string& tenant_;
  Names objects_;
  Names tenants_;
};

// What columns or queries ask for, before it is known what there is. What does not fit is refused anyway.
template <typename Item>
Subject SubjectOf(const std::vector<Item>& items) {
  Subject subject;
  CallNames names(subject.object, subject.tenant);
  for (const Item& item : items) {
    if (FieldName::Parse(item.field).ok() && !names.Add(item.field, item.tenant).ok()) break;
  }
  return subject;
}

// Whether the caller may, before it is said whether there is such a tenant. Names go into the record before they are
// looked up only in the form that names have.
Status AuthoriseField(CallRecord& record, CallNames& names, const policy::CatalogView& view, std::string_view field,
                      std::string_view tenant, std::string_view index = {}) {
  const policy::FieldRule* rule = field == policy::kBuiltinSecretName ? nullptr : view.Find(field);
  ActScope scope = ActScope::OfTenant(tenant);
  scope.field = field;
  if (rule != nullptr) {
    scope = ActScope::OfField(*rule, tenant);
    const bool is_index = !index.empty() && rule->FindIndex(index) != nullptr;
    const std::string name = is_index ? rule->name + "." + std::string(index) : rule->name;
    COFFER_TRY(names.Add(name, *scope.tenant));
  }
  return Authorise(record, scope);
}

// Which rows, for the record: each of a few, a digest of all. What is no row is refused where it is bound.
void NoteRows(const std::vector<FieldColumn>& columns, CallRecord& record) {
  record.rows.clear();
  record.rows_digest.reset();
  Bytes all;
  for (const FieldColumn& column : columns) {
    if (column.row_width == 0) continue;
    for (std::size_t item = 0; item < column.values.size(); ++item) {
      const std::size_t before = all.size();
      const Status encoded =
          EncodeRow(std::span(column.row_parts).subspan(item * column.row_width, column.row_width), all);
      if (!encoded.ok()) return record.rows.clear();
      if (record.items <= audit::kMaxRowTags) record.rows.push_back(CopyOf(ByteView(all).subspan(before)));
    }
  }
  if (!all.empty()) record.rows_digest = Sha256({all});
}

// True when no value of the field decrypts under another row than its own: then rows count, else ciphertexts.
bool IsBoundToRows(const policy::FieldRule& rule) {
  return rule.form.row_bound && std::all_of(rule.former.begin(), rule.former.end(),
                                            [](const policy::FormerDeclaration& was) { return was.form.row_bound; });
}

// The rows whose values are asked for, where the principal may have so many a day.
Status SpendRowsOf(CallRecord& record, const CallColumns& call, const std::vector<FieldColumn>& columns) {
  if (record.spent == nullptr || !record.limits.distinct_per_day) return {};
  std::vector<Fingerprint> rows;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const FieldColumn& column = columns[i];
    for (std::size_t item = 0; item < column.values.size(); ++item) {
      Bytes row;
      if (!IsBoundToRows(call.works[i].rule())) {
        row = CopyOf(column.values[item]);
      } else {
        COFFER_TRY(EncodeRow(std::span(column.row_parts).subspan(item * column.row_width, column.row_width), row));
      }
      rows.push_back(record.spent->FingerprintOf(call.works[i].rule().name, call.works[i].tenant(), row));
    }
  }
  return SpendRows(record, rows);
}

// Checks limits, makes a ColumnWork of each column and asks the policy about it, before the first value is touched;
// fills the record with names and counts. `with_tokens`: of the columns whose tokens the caller may have.
Result<CallColumns> Resolve(Unsealed& unsealed, CallRecord& record, const std::vector<FieldColumn>& columns,
                            FieldWork field_work, bool with_tokens, std::int64_t now_us) {
  COFFER_TRY(CheckFieldLimits(columns, field_work != FieldWork::kEncrypt));
  CallColumns call{.view = unsealed.catalogs->view(), .works = {}};
  call.works.reserve(columns.size());
  CallNames names(record);
  record.items = 0;
  for (std::size_t index = 0; index < columns.size(); ++index) {
    COFFER_TRY(AuthoriseField(record, names, *call.view, columns[index].field, columns[index].tenant));
    COFFER_ASSIGN_OR_RETURN(ColumnWork work,
                            ColumnWork::Create(unsealed, *call.view, columns[index], index, now_us / kMicrosPerSecond));
    record.items += columns[index].values.size();
    if (with_tokens && MayAlso(record, policy::Operation::kIndexTokens, work.scope())) work.GiveTokens();
    call.works.push_back(std::move(work));
  }
  NoteRows(columns, record);
  COFFER_TRY(SpendValues(record, record.items));
  if (field_work == FieldWork::kDecrypt) COFFER_TRY(SpendRowsOf(record, call, columns));
  return call;
}

// Runs `act` on each column.
template <typename Act>
Result<FieldOutput> ForEachColumn(CallColumns& call, const Act& act) {
  FieldOutput output;
  output.columns.reserve(call.works.size());
  for (ColumnWork& work : call.works) {
    COFFER_ASSIGN_OR_RETURN(ColumnOutput column, act(work, output));
    output.columns.push_back(std::move(column));
  }
  return output;
}

// What the caller has left for each index that the call makes tokens of.
Status TakeQuotas(Quotas& quotas, const Caller& caller, const CallColumns& call,
                  const std::vector<FieldColumn>& columns) {
  for (std::size_t column = 0; column < call.works.size(); ++column) {
    const ColumnWork& work = call.works[column];
    for (const policy::IndexRule& index : work.indexes()) {
      COFFER_TRY(quotas.Take(Quotas::Use::kValue, caller.principal.id, work.rule().name + "." + index.name,
                             columns[column].values.size()));
    }
  }
  return {};
}

// Keys, failed values, and those that a search found wrongly: a database that lies is to be seen in the record.
void NoteOutcome(const FieldOutput& output, CallRecord& record) {
  record.failed = 0;
  record.unmatched = 0;
  record.reasons.clear();
  std::set<std::uint64_t> keys;
  for (const ColumnOutput& column : output.columns) {
    keys.insert(column.keys.begin(), column.keys.end());
    for (const auto& [reason, count] : column.reasons) record.reasons[reason] += count;
  }
  record.keys.assign(keys.begin(), keys.end());
  for (const ColumnOutput& column : output.columns) {
    for (const auto& [item, failure] : column.failures) {
      ++(failure == ItemFailure::kNoMatch ? record.unmatched : record.failed);
    }
  }
  if (record.unmatched > 0) record.reasons[audit::ItemReason::kNoMatch] = record.unmatched;
}

}  // namespace

bool ColumnOutput::Failed(std::size_t item) const {
  const auto at = std::lower_bound(failures.begin(), failures.end(), item,
                                   [](const auto& failure, std::size_t index) { return failure.first < index; });
  return at != failures.end() && at->first == item;
}

void ColumnOutput::Fail(std::size_t item, ItemFailure failure) {
  Wipe(AsMutableBytes(values[item]));
  values[item].clear();
  const std::pair entry(static_cast<std::uint32_t>(item), failure);
  failures.insert(std::lower_bound(failures.begin(), failures.end(), entry), entry);
}

Result<FieldOutput> FieldService::Encrypt(const Caller& caller, const std::vector<FieldColumn>& columns) const {
  return pipeline_.Read(
      caller, policy::Operation::kEncryptFields,
      [&](Unsealed& unsealed, CallRecord& record) -> Result<FieldOutput> {
        COFFER_ASSIGN_OR_RETURN(CallColumns call,
                                Resolve(unsealed, record, columns, FieldWork::kEncrypt, true, clock_.UnixMicros()));
        COFFER_TRY(CheckTokenWork(columns, call.works));
        COFFER_TRY(CheckBeforeFirstKey(call, columns, FieldWork::kEncrypt));
        COFFER_TRY(TakeQuotas(quotas_, caller, call, columns));
        COFFER_ASSIGN_OR_RETURN(FieldOutput output,
                                ForEachColumn(call, [](ColumnWork& work, FieldOutput&) { return work.Encrypt(); }));
        const auto plaintexts = [&](std::size_t column, std::size_t item) {
          return std::optional<ByteView>(columns[column].values[item]);
        };
        COFFER_TRY(AddTokens(unsealed, columns, call.works, plaintexts, output));
        NoteOutcome(output, record);
        return output;
      },
      SubjectOf(columns));
}

Result<FieldOutput> FieldService::Decrypt(const Caller& caller, const std::vector<FieldColumn>& columns) const {
  return pipeline_.Read(
      caller, policy::Operation::kDecryptFields,
      [&](Unsealed& unsealed, CallRecord& record) -> Result<FieldOutput> {
        COFFER_ASSIGN_OR_RETURN(CallColumns call,
                                Resolve(unsealed, record, columns, FieldWork::kDecrypt, false, clock_.UnixMicros()));
        COFFER_ASSIGN_OR_RETURN(FieldOutput output,
                                ForEachColumn(call, [](ColumnWork& work, FieldOutput&) { return work.Decrypt(); }));
        COFFER_TRY(ApplyMatches(columns, call.works, output));
        NoteOutcome(output, record);
        return output;
      },
      SubjectOf(columns));
}

Result<FieldOutput> FieldService::Rewrap(const Caller& caller, const std::vector<FieldColumn>& columns,
                                         bool with_tokens) const {
  return pipeline_.Read(
      caller, policy::Operation::kRewrapFields,
      [&](Unsealed& unsealed, CallRecord& record) -> Result<FieldOutput> {
        COFFER_ASSIGN_OR_RETURN(
            CallColumns call, Resolve(unsealed, record, columns, FieldWork::kRewrap, with_tokens, clock_.UnixMicros()));
        COFFER_TRY(CheckTokenWork(columns, call.works));
        COFFER_TRY(CheckBeforeFirstKey(call, columns, FieldWork::kRewrap));
        COFFER_TRY(TakeQuotas(quotas_, caller, call, columns));
        std::vector<std::vector<std::optional<SecretBytes>>> inside(columns.size());
        std::size_t column_index = 0;
        COFFER_ASSIGN_OR_RETURN(FieldOutput output, ForEachColumn(call, [&](ColumnWork& work, FieldOutput& filled) {
                                  auto& kept = inside[column_index++];
                                  return work.Rewrap(filled.rewrapped, with_tokens ? &kept : nullptr);
                                }));
        const auto plaintexts = [&](std::size_t column, std::size_t item) -> std::optional<ByteView> {
          const std::optional<SecretBytes>& value = inside[column][item];
          if (!value) return std::nullopt;
          return value->Expose(SecretAccess::kCipher);
        };
        COFFER_TRY(AddTokens(unsealed, columns, call.works, plaintexts, output));
        NoteOutcome(output, record);
        return output;
      },
      SubjectOf(columns));
}

Result<FieldService::ResolvedQuery> FieldService::ResolveQuery(Unsealed& unsealed, const policy::CatalogView& view,
                                                               const IndexQuery& query) {
  const policy::FieldRule* rule = query.field == policy::kBuiltinSecretName ? nullptr : view.Find(query.field);
  if (rule == nullptr) return Error(ErrorCode::kInvalidArgument, "is not a field of an applied catalog").At("field");
  COFFER_ASSIGN_OR_RETURN(const TenantUuid tenant, unsealed.keys->ResolveTenant(query.tenant));
  const Result<const policy::IndexRule*> index = FindSearched(*rule, query.term);
  if (!index.ok()) return Error(index.error()).At("search");
  return ResolvedQuery{.index = *index, .tenant = tenant, .name = rule->name + "." + (*index)->name};
}

// All before the first token is made; fills the record with names.
Result<std::vector<FieldService::ResolvedQuery>> FieldService::ResolveQueries(Unsealed& unsealed,
                                                                              const policy::CatalogView& view,
                                                                              const std::vector<IndexQuery>& queries,
                                                                              CallRecord& record) {
  std::vector<ResolvedQuery> resolved;
  CallNames names(record);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    COFFER_TRY(AuthoriseField(record, names, view, queries[i].field, queries[i].tenant, queries[i].term.index));
    Result<ResolvedQuery> query = ResolveQuery(unsealed, view, queries[i]);
    if (!query.ok()) return std::move(query).error().At("queries[" + std::to_string(i) + "]");
    resolved.push_back(std::move(query).value());
  }
  return resolved;
}

Result<IndexAnswers> FieldService::Search(const Caller& caller, const std::vector<IndexQuery>& queries) const {
  return pipeline_.Read(
      caller, policy::Operation::kIndexTokens,
      [&](Unsealed& unsealed, CallRecord& record) -> Result<IndexAnswers> {
        if (queries.empty() || queries.size() > kMaxQueries) {
          return Error(ErrorCode::kInvalidArgument, "must be 1 or more, and no more than allowed")
              .At("queries")
              .WithLimit(kMaxQueries);
        }
        record.items = queries.size();
        const std::shared_ptr<const policy::CatalogView> view = unsealed.catalogs->view();
        COFFER_ASSIGN_OR_RETURN(const std::vector<ResolvedQuery> resolved,
                                ResolveQueries(unsealed, *view, queries, record));
        COFFER_TRY(SpendValues(record, queries.size()));
        IndexAnswers answers;
        SearchWork work;
        for (std::size_t i = 0; i < queries.size(); ++i) {
          Result<std::vector<VersionTokens>> answer = SearchOne(unsealed, caller, resolved[i], queries[i].term, work);
          if (!answer.ok()) return std::move(answer).error().At("queries[" + std::to_string(i) + "]");
          answers.push_back(std::move(answer).value());
        }
        return answers;
      },
      SubjectOf(queries));
}

Result<std::vector<VersionTokens>> FieldService::SearchOne(Unsealed& unsealed, const Caller& caller,
                                                           const ResolvedQuery& query, const SearchTerm& term,
                                                           SearchWork& work) const {
  for (const policy::IndexVersionRule& version : query.index->versions) work.slow += version.form.slow ? 1 : 0;
  if (work.slow > kMaxSlowTokens) {
    return Error(ErrorCode::kInvalidArgument, "has more searches of slow indexes than one call may, versions counted")
        .At("search")
        .WithLimit(kMaxSlowTokens);
  }
  COFFER_TRY(quotas_.Take(Quotas::Use::kSearch, caller.principal.id, query.name, 1));
  COFFER_ASSIGN_OR_RETURN(std::vector<VersionTokens> found,
                          SearchIndex(*unsealed.keys, *query.index, query.tenant, term));
  for (const VersionTokens& version : found) {
    for (const IndexTokens& set : version.tokens.alternatives) work.tokens += set.numbers.size() + set.strings.size();
  }
  if (work.tokens > kMaxTokensOfSearches) {
    return Error(ErrorCode::kInvalidArgument, "and the searches before it have more tokens than one call may")
        .At("search")
        .WithLimit(kMaxTokensOfSearches);
  }
  return found;
}

bool FieldService::UsesSlowIndex(const std::vector<std::string_view>& fields) const {
  const Result<std::shared_ptr<Unsealed>> unsealed = barrier_.Enter();
  if (!unsealed.ok()) return false;  // Refused at once.
  const std::shared_ptr<const policy::CatalogView> view = (*unsealed)->catalogs->view();
  return std::any_of(fields.begin(), fields.end(), [&](std::string_view field) {
    const policy::FieldRule* rule = view->Find(field);
    return rule != nullptr && std::any_of(rule->indexes.begin(), rule->indexes.end(),
                                          [](const policy::IndexRule& index) { return index.IsSlow(); });
  });
}

bool FieldService::IsQuickSearch(const std::vector<IndexQuery>& queries) const {
  constexpr std::size_t kQuickPartitions = 16;
  if (queries.size() != 1) return false;
  const Result<std::shared_ptr<Unsealed>> unsealed = barrier_.Enter();
  if (!unsealed.ok()) return true;  // Refused at once.
  const std::shared_ptr<const policy::CatalogView> view = (*unsealed)->catalogs->view();
  const policy::FieldRule* rule = view->Find(queries.front().field);
  const policy::IndexRule* index = rule == nullptr ? nullptr : rule->FindIndex(queries.front().term.index);
  if (index == nullptr) return true;
  return std::all_of(index->versions.begin(), index->versions.end(), [&](const policy::IndexVersionRule& version) {
    return !version.form.IsArray() && version.form.partitions <= kQuickPartitions;
  });
}

bool FieldService::IsQuick(const std::vector<FieldColumn>& columns, bool makes_keys) const {
  std::size_t items = 0;
  std::size_t bytes = 0;
  for (const FieldColumn& column : columns) {
    items += column.values.size();
    for (const ByteView value : column.values) bytes += value.size();
    if (items > kQuickItems || bytes > kQuickBytes) return false;
  }
  if (!makes_keys) return true;
  std::size_t token_bytes = 0;
  const Result<std::shared_ptr<Unsealed>> unsealed = barrier_.Enter();
  if (!unsealed.ok()) return true;  // Refused at once.
  const std::shared_ptr<const policy::CatalogView> view = (*unsealed)->catalogs->view();
  for (const FieldColumn& column : columns) {
    const policy::FieldRule* rule = view->Find(column.field);
    if (rule == nullptr) return true;
    const Result<TenantUuid> tenant = (*unsealed)->keys->ResolveTenant(column.tenant);
    if (!tenant.ok()) return true;
    if (!(*unsealed)->keys->HasDataKey(rule->keyrings.front(), *tenant)) return false;
    if (NeedsIndexKey(*(*unsealed)->keys, *rule, *tenant)) return false;
    for (const policy::IndexRule& index : rule->indexes) {
      for (const policy::IndexVersionRule* version : index.VersionsToWrite()) {
        token_bytes += column.values.size() * version->form.RowBytes();
      }
    }
    if (token_bytes > kQuickBytes) return false;
  }
  return true;
}

}  // namespace coffer::keysvc
