#include "keysvc/service/access_tokens.h"

#include <algorithm>

#include "crypto/names.h"
#include "crypto/random.h"

namespace coffer::keysvc {
namespace {

Error NoToken() { return Error(ErrorCode::kNotFound, "there is no token of this id").At("id"); }

Error Full() {
  return Error(ErrorCode::kResourceExhausted, "as many tokens are in force as may be: revoke some, or let them run out")
      .WithLimit(kMaxAccessTokens);
}

SecretBytes NewToken() {
  const SecretBytes random = RandomSecret(kAccessTokenBytes);
  const SecretBytes text = SecretBytes::Absorb(ToBase64Url(random.Expose(SecretAccess::kReply)));
  SecretBytes token(kAccessTokenPrefix.size() + text.size());
  const MutableBytes out = token.ExposeMutable(SecretAccess::kReply);
  const ByteView prefix = AsBytes(kAccessTokenPrefix);
  const ByteView rest = text.Expose(SecretAccess::kReply);
  std::copy(rest.begin(), rest.end(), std::copy(prefix.begin(), prefix.end(), out.begin()));
  return token;
}

bool IsInForce(const AccessTokenRecord& record, std::int64_t now_us) { return now_us < record.not_after_us; }

// Takes out what has run out. How many are left.
Result<std::size_t> EraseOld(StoreMutation& mutation, std::int64_t now_us) {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, mutation.Scan({.table = Table::kAccessToken}));
  std::size_t left = rows.size();
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(const AccessTokenRecord record, AccessTokenFromRow(row));
    if (IsInForce(record, now_us)) continue;
    COFFER_TRY(mutation.Erase(Table::kAccessToken, {record.id}));
    --left;
  }
  return left;
}

Status Insert(AuthenticatedStore& store, const AccessTokenRecord& record) {
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store.Begin());
  COFFER_ASSIGN_OR_RETURN(const std::size_t others, EraseOld(mutation, record.created_us));
  if (others >= kMaxAccessTokens) return Full();
  COFFER_TRY(mutation.Insert(Table::kAccessToken, ToRow(record)));
  return mutation.Commit();
}

Status Erase(AuthenticatedStore& store, const Uuid& id) {
  COFFER_ASSIGN_OR_RETURN(StoreMutation mutation, store.Begin());
  const Status erased = mutation.Erase(Table::kAccessToken, {id});
  if (!erased.ok() && erased.error().code() == ErrorCode::kNotFound) return NoToken();
  COFFER_TRY(erased);
  return mutation.Commit();
}

}  // namespace

Status AccessTokens::Wanted::Check() const {
  const Result<policy::Principal> parsed = policy::ParseBearerPrincipal(principal);
  if (!parsed.ok()) {
    return Error(ErrorCode::kInvalidArgument, "must be a SPIFFE id of role app, dba or backup-agent").At("principal");
  }
  if (!IsSlug(listener)) return Error(ErrorCode::kInvalidArgument, "is no listener's name").At("listener");
  if (lifetime_s < kMinAccessTokenLife || lifetime_s > kMaxAccessTokenLife) {
    return Error(ErrorCode::kInvalidArgument, "must be 1 minute to 366 days, in seconds")
        .At("lifetime_s")
        .WithLimit(kMaxAccessTokenLife);
  }
  return {};
}

Result<std::unique_ptr<AccessTokens>> AccessTokens::Load(AuthenticatedStore& store, const Clock& clock) {
  std::unique_ptr<AccessTokens> tokens(new AccessTokens(store, clock));
  COFFER_TRY(tokens->Read());
  return tokens;
}

Status AccessTokens::Read() {
  COFFER_ASSIGN_OR_RETURN(const std::vector<Row> rows, store_.Scan({.table = Table::kAccessToken}));
  std::map<Digest, AccessTokenRecord> read;
  for (const Row& row : rows) {
    COFFER_ASSIGN_OR_RETURN(AccessTokenRecord record, AccessTokenFromRow(row));
    if (!policy::ParseBearerPrincipal(record.principal).ok()) {
      return Error(ErrorCode::kIntegrity, "holds a token that nobody made").At("access_token");
    }
    const Digest digest = record.digest;
    read.emplace(digest, std::move(record));
  }
  const Lock lock(mutex_);
  tokens_ = std::move(read);
  generation_.fetch_add(1, std::memory_order_acq_rel);
  return {};
}

Status AccessTokens::CheckRoom() const { return List().size() < kMaxAccessTokens ? Status() : Full(); }

Result<AccessTokens::Made> AccessTokens::Create(const Wanted& wanted, const std::string& by,
                                                const std::string& reason) {
  COFFER_TRY(wanted.Check());
  const Lock changing(change_mutex_);
  const std::int64_t now_us = clock_.UnixMicros();
  Made made{.record = {}, .token = NewToken()};
  made.record = {.id = Uuid::Generate(static_cast<std::uint64_t>(now_us / 1000)),
                 .digest = Sha256({made.token.Expose(SecretAccess::kCipher)}),
                 .principal = wanted.principal,
                 .listener = wanted.listener,
                 .created_us = now_us,
                 .not_after_us = now_us + wanted.lifetime_s * kMicrosPerSecond,
                 .created_by = by,
                 .reason = reason};
  const Status stored = Insert(store_, made.record);
  // Whatever became of it: this commit, or an earlier one, of which nobody knows may have happened.
  const Status read = Read();
  COFFER_TRY(stored);
  COFFER_TRY(read);
  return made;
}

Status AccessTokens::Revoke(const std::string& id) {
  const Result<Uuid> uuid = Uuid::Parse(id);
  if (!uuid.ok()) return Error(ErrorCode::kInvalidArgument, "is no token's id").At("id");
  const Lock changing(change_mutex_);
  const Status erased = Erase(store_, *uuid);
  const Status read = Read();  // as in Create
  COFFER_TRY(erased);
  return read;
}

std::vector<AccessTokenRecord> AccessTokens::List() const {
  const std::int64_t now_us = clock_.UnixMicros();
  std::vector<AccessTokenRecord> list;
  {
    const ReadLock lock(mutex_);
    for (const auto& [digest, record] : tokens_) {
      if (IsInForce(record, now_us)) list.push_back(record);
    }
  }
  std::sort(list.begin(), list.end(), [](const AccessTokenRecord& a, const AccessTokenRecord& b) {
    return std::tie(a.created_us, a.id.bytes) < std::tie(b.created_us, b.id.bytes);
  });
  return list;
}

Result<policy::Principal> AccessTokens::Find(const Digest& digest, std::string_view listener) const {
  const ReadLock lock(mutex_);
  const auto found = tokens_.find(digest);
  if (found == tokens_.end() || found->second.listener != listener || !IsInForce(found->second, clock_.UnixMicros())) {
    return Error(ErrorCode::kUnauthenticated, "the token is not one that is taken here, or has run out");
  }
  COFFER_ASSIGN_OR_RETURN(policy::Principal principal, policy::ParseBearerPrincipal(found->second.principal));
  principal.method = policy::Principal::Method::kToken;
  return principal;
}

}  // namespace coffer::keysvc
