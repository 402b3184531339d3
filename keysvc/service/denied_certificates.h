// DeniedCertificates: client certificates that are refused, whoever signed them, kept in the store by their digest.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "io/clock.h"
#include "io/mutex.h"
#include "keysvc/store/authenticated_store.h"
#include "keysvc/store/records.h"

namespace coffer::keysvc {

inline constexpr std::size_t kMaxDeniedCertificates = 4'096;
// By one principal, so that none alone takes all places.
inline constexpr std::size_t kMaxDeniedByOne = 1'024;

// By SHA-256 of the certificate's DER form. Immutable.
using DeniedDigests = std::map<Digest, DeniedCertificateRecord>;

// Thread-safe.
class DeniedCertificates {
 public:
  // All of the store. `store` and `clock` must outlive it. kIntegrity.
  static Result<std::unique_ptr<DeniedCertificates>> Load(AuthenticatedStore& store, const Clock& clock);

  // `by` is a principal. Again is fine: the first record stays. kResourceExhausted.
  Status Deny(const Digest& sha256, const std::string& by, const std::string& reason);
  // kNotFound: it was not refused.
  Status Allow(const Digest& sha256);
  // The same, before it is done.
  Result<DeniedCertificateRecord> Find(const Digest& sha256) const;

  std::shared_ptr<const DeniedDigests> view() const;
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

 private:
  DeniedCertificates(AuthenticatedStore& store, const Clock& clock) : store_(store), clock_(clock) {}
  Status Read();  // the table, from the store

  AuthenticatedStore& store_;
  const Clock& clock_;
  std::atomic<std::uint64_t> generation_{1};
  Mutex change_mutex_;  // one change at a time; taken before mutex_
  mutable SharedMutex mutex_;
  std::shared_ptr<const DeniedDigests> view_ COFFER_GUARDED_BY(mutex_) = std::make_shared<const DeniedDigests>();
};

}  // namespace coffer::keysvc
