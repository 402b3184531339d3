// Mutexes that clang's -Wthread-safety understands: data says which mutex guards it, and forgetting the lock does not
// compile.
#pragma once

#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define COFFER_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define COFFER_THREAD_ATTRIBUTE(x)
#endif

#define COFFER_GUARDED_BY(x) COFFER_THREAD_ATTRIBUTE(guarded_by(x))
#define COFFER_REQUIRES(...) COFFER_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define COFFER_REQUIRES_SHARED(...) COFFER_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define COFFER_EXCLUDES(...) COFFER_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))

namespace coffer {

class COFFER_THREAD_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() COFFER_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() COFFER_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class COFFER_THREAD_ATTRIBUTE(capability("shared_mutex")) SharedMutex {
 public:
  void lock() COFFER_THREAD_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() COFFER_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  void lock_shared() COFFER_THREAD_ATTRIBUTE(acquire_shared_capability()) { mutex_.lock_shared(); }
  void unlock_shared() COFFER_THREAD_ATTRIBUTE(release_shared_capability()) { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

// Holds a Mutex (or a SharedMutex, exclusively) while in scope.
template <typename M>
class COFFER_THREAD_ATTRIBUTE(scoped_lockable) Lock {
 public:
  explicit Lock(M& mutex) COFFER_THREAD_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() COFFER_THREAD_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  M& mutex_;
};

// Holds a SharedMutex for reading while in scope.
class COFFER_THREAD_ATTRIBUTE(scoped_lockable) ReadLock {
 public:
  explicit ReadLock(SharedMutex& mutex) COFFER_THREAD_ATTRIBUTE(acquire_shared_capability(mutex)) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~ReadLock() COFFER_THREAD_ATTRIBUTE(release_generic_capability()) { mutex_.unlock_shared(); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// Waits on a Mutex; wakes as std::condition_variable_any does.
using Condition = std::condition_variable_any;

}  // namespace coffer
