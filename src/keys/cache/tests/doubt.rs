//! What an answer without a key is taken for: of one id, or of whoever asks.

use super::*;

#[tokio::test]
async fn a_record_that_became_unreadable_no_longer_serves() {
    let setup = setup(&settings(), Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.source.turns(Manner::TellsNonsense);
    setup.at(100);
    assert!(matches!(setup.find("dev-1").await, Err(KeysAway::Unreadable(_))));
    setup.source.turns(Manner::Away);
    assert!(setup.find("dev-1").await.is_err());
}

#[tokio::test]
async fn what_the_source_denies_no_longer_serves_whatever_befalls_it_then() {
    let setup = setup(&settings(), Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.source.turns(Manner::Denies);
    setup.at(100);
    assert!(matches!(setup.find("dev-1").await, Err(KeysAway::Failed(_))));
    setup.source.turns(Manner::Away);
    assert!(setup.find("dev-1").await.is_err());
    setup.source.turns(Manner::Tells("two"));
    assert_eq!(setup.find("dev-1").await, known("two"), "nothing of it is remembered");
}

#[tokio::test]
async fn what_the_source_refuses_serves_on_where_it_tells_of_nobody() {
    let setup = setup(&settings(), Manner::Tells("one"));
    assert_eq!(setup.find("dev-1").await, known("one"));
    setup.at(100);
    setup.source.turns(Manner::Refuses);
    assert_eq!(setup.find("dev-1").await, known("one"), "it may refuse whoever asks, whatever the id");
}

#[tokio::test]
async fn no_stranger_shuts_known_ids_out_while_the_source_is_broken() {
    for (manner, stranger, answer) in
        [(Manner::RefusesDevices, "invented", Ok(None)), (Manner::RefusesSlowly("dev-1"), "dev-new", known("one"))]
    {
        let setup = setup(&patient(), Manner::Tells("one"));
        assert_eq!(setup.find("dev-1").await, known("one"));
        setup.source.turns(manner);
        setup.at(100);
        let waiting = setup.cache.look_up(b"dev-1");
        setup.until(|setup| setup.source.asked() == 2).await;
        assert_eq!(setup.find(stranger).await, answer, "strangers are answered meanwhile");
        let Lookout::Later(waiting) = waiting else { panic!("{manner:?}: it serves unasked") };
        assert!(waiting.await.unwrap().is_some(), "{manner:?}");
        assert_eq!(setup.cache.reading().stale, 1);
    }
}

#[tokio::test]
async fn what_the_source_withholds_from_whoever_asks_serves_on_and_is_not_forgotten() {
    for age in [80, 100] {
        let setup = setup(&settings(), Manner::Tells("one"));
        for id in ["dev-1", "dev-2", "dev-3"] {
            assert_eq!(setup.find(id).await, known("one"));
        }
        setup.source.turns(Manner::Withholds);
        setup.at(age);
        for id in ["dev-1", "dev-2", "dev-3"] {
            assert_eq!(setup.find(id).await, known("one"), "at {age}");
        }
        // Each is asked for, and another that could tell whether it is the id's.
        setup.until(|setup| setup.cache.reading().look_ups[2].1 == 6).await;
        setup.source.turns(Manner::Away);
        setup.at(200);
        for id in ["dev-1", "dev-2", "dev-3"] {
            assert_eq!(setup.find(id).await, known("one"), "at {age}");
        }
    }
}

#[tokio::test]
async fn what_the_source_withholds_while_it_tells_of_others_no_longer_serves_whatever_befalls_it_then() {
    let setup = setup(&settings(), Manner::Tells("one"));
    for id in ["dev-2", "dev-1"] {
        assert_eq!(setup.find(id).await, known("one"));
    }
    setup.source.turns(Manner::WithholdsOnly("dev-1"));
    setup.at(100);
    assert_eq!(setup.find("dev-1").await, Err(KeysAway::Failed("not this one".into())));
    let asked = setup.source.asked();
    assert!(setup.find("dev-1").await.is_err());
    assert_eq!(setup.source.asked(), asked + 1, "for what is not remembered no other is asked about");
    setup.source.turns(Manner::Away);
    assert!(setup.find("dev-1").await.is_err());
    assert_eq!(setup.find("dev-2").await, known("one"));
}

/// What was told of it before it was shut out must not be remembered after what was told then.
#[tokio::test]
async fn what_is_told_of_an_id_for_anothers_sake_is_not_remembered() {
    let setup = setup(&patient(), Manner::Tells("one"));
    for id in ["dev-2", "dev-1"] {
        assert_eq!(setup.find(id).await, known("one"));
    }
    setup.source.turns(Manner::WithholdsAndTellsSlowly("dev-1"));
    setup.at(100);
    let Lookout::Later(waiting) = setup.cache.look_up(b"dev-1") else { panic!("it serves unasked") };
    setup.until(|setup| setup.source.asked() == 4).await;
    setup.source.turns(Manner::Denies);
    assert!(setup.find("dev-2").await.is_err());
    assert!(waiting.await.is_err(), "it told of another");
    assert!(setup.find("dev-2").await.is_err());
}
